// The only script a page loads: draws the launcher and fetches the rest when a visitor shows interest. It contacts
// nothing before the click but its own folder (on hover, focus or touch), and works when run late or twice.
const TAG = 'neoron-call';
const KEY = 'neoron.call';
const here = (name) => new URL(name, import.meta.url).href;
const script = document.querySelector('script[data-neoron],script[data-gateway][type=module]');
const LABELS = { en: 'Talk to us', de: 'Sprechen Sie mit uns', ar: 'تحدث معنا' };
const CSS =
  ':host{position:fixed;z-index:2147483000;inset-block-end:24px;inset-inline-end:24px}' +
  '.go{display:flex;align-items:center;gap:10px;min-height:56px;padding:0 22px;border:0;border-radius:28px;cursor:pointer;' +
  'font:600 16px var(--neoron-font,system-ui,sans-serif);color:var(--neoron-on-accent,#fff);background:var(--neoron-accent,#4338ca);' +
  'box-shadow:0 8px 28px #14123c4d}' +
  '.go svg{width:24px;fill:currentColor}' +
  ':host([data-live=true]) .go{box-shadow:inset 0 0 0 3px #6ee7a8}';

class NeoronCall extends HTMLElement {
  connectedCallback() {
    // A page that swaps its body moves the element; it is drawn once.
    if (this.shadowRoot) return;
    const data = { ...script?.dataset, ...this.dataset };
    const language = data.language || document.documentElement.lang || 'en';
    const tag = (this.tag = language.slice(0, 2));
    this.options = {
      gateway: new URL(import.meta.url).origin,
      grant: '/wp-json/neoron/v1/grant',
      business: 'general',
      ...data,
      language,
      prove: async (it) => (await import(here('proof.js'))).default(it),
      voice: data.voice ? () => import(new URL(data.voice, document.baseURI).href) : undefined,
    };
    const root = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    const button = document.createElement('button');
    button.className = 'go';
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 24 24');
    const path = document.createElementNS(svg.namespaceURI, 'path');
    path.setAttribute('d', 'M4 4h16v12h-9l-5 4v-4H4z');
    svg.append(path);
    button.append(svg, data.label || LABELS[tag] || LABELS.en);
    button.ariaHasPopup = 'dialog';
    root.append(button);
    // A finger enters as a pointer does.
    button.onpointerenter = button.onfocus = () => this.load().catch(() => {});
    button.onclick = () => this.open();
    try {
      if (sessionStorage.getItem(KEY)) this.open(true);
    } catch {
      // Storage is forbidden here: nothing to resume.
    }
  }

  // Fetches and starts the popup, once.
  load() {
    this.loading ??= (async () => {
      const popup = await import(here('popup.js'));
      // English is inside; a language without a file is shown in English.
      if (this.tag in LABELS && this.tag !== 'en') {
        this.options.texts = await fetch(here(`texts.${this.tag}.json`)).then((file) => file.json()).catch(() => []);
      }
      await popup.default({ module_or_path: here('popup_bg.wasm') });
      return popup;
    })();
    return this.loading;
  }

  async open(resume) {
    try {
      const popup = await this.load();
      this.show ??= popup.mount(this.shadowRoot, this.options);
      if (!resume) this.show();
    } catch {
      // The site's policy forbids WebAssembly, the file did not come, or the popup broke.
      this.loading = undefined;
      if (!resume) (await import(here('fallback.js'))).open(this.shadowRoot, this.options);
    }
  }
}

if (!customElements.get(TAG)) customElements.define(TAG, NeoronCall);
const place = () => document.querySelector(TAG) || document.body.append(document.createElement(TAG));
if (document.body) place();
else addEventListener('DOMContentLoaded', place);
