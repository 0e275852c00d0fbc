// Proof of work for the few visitors who are asked for one: counts until the hash is found that the gateway looks for, in
// the format of ALTCHA's version 2 with SHA-256 and a cost of 1. The popup and the plain form load it when they need it.
const ROUNDS = [];
const START = [];
// How long the page may be kept from answering a touch, in milliseconds.
const SLICE = 12;
// More counts than any challenge of ours takes.
const MOST = 4_194_304;

// The constants of FIPS 180-4 are the first 32 bits of the fractional parts of roots of the first primes.
const fraction = (number) => ((number - Math.floor(number)) * 2 ** 32) | 0;
for (let candidate = 2; ROUNDS.length < 64; candidate += 1) {
  let prime = true;
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) prime &&= candidate % divisor !== 0;
  if (!prime) continue;
  if (START.length < 8) START.push(fraction(Math.sqrt(candidate)));
  ROUNDS.push(fraction(Math.cbrt(candidate)));
}

const turn = (word, by) => (word >>> by) | (word << (32 - by));

/** SHA-256 of one padded block of 16 words, as 8 words. */
export function hash(block) {
  const w = new Int32Array(64);
  w.set(block);
  let [a, b, c, d, e, f, g, h] = START;
  for (let i = 0; i < 64; i += 1) {
    if (i > 15) {
      const far = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const near = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = w[i - 16] + far + w[i - 7] + near;
    }
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i] + w[i]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  return [a, b, c, d, e, f, g, h].map((word, i) => (word + START[i]) | 0);
}

const words = (hex) => hex.match(/.{8}/g).map((part) => parseInt(part, 16) | 0);
const hex = (word) => (word >>> 0).toString(16).padStart(8, '0');

// A message instead of a timer: it comes at once, and also in a tab that is not in sight.
const breathe = () =>
  new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(0);
  });

/** The value of `X-Neoron-Proof` for the challenge that a refusal of the gateway holds. */
export default async function prove({ challenge }) {
  const { algorithm, cost, salt, nonce, keyPrefix } = challenge.parameters;
  if (algorithm !== 'SHA-256' || cost !== 1) throw new Error('another kind of proof');
  const wanted = words(keyPrefix);
  // Salt, nonce, counter, the end of the message and its length: 36 bytes, in bits.
  const block = [...words(salt), ...words(nonce), 0, 1 << 31, 0, 0, 0, 0, 0, 36 * 8];
  let until = performance.now() + SLICE;
  for (let counter = 0; counter < MOST; counter += 1) {
    block[8] = counter;
    const found = hash(block);
    if (wanted.every((word, i) => word === found[i])) {
      return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey: found.map(hex).join('') } }));
    }
    if (counter % 64 === 0 && performance.now() > until) {
      await breathe();
      until = performance.now() + SLICE;
    }
  }
  throw new Error('no solution');
}
