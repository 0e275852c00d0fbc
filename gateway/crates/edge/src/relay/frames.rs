//! Where WebSocket frames begin and end (RFC 6455, 5.2). Pure; it keeps at most fourteen bytes and no payload.

/// The longest header of a frame.
const HEADER_BYTES: usize = 14;
/// The longest payload of a control frame.
const CONTROL_BYTES: u64 = 125;

/// Which side's frames these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// A client's: always masked.
    Client,
    /// A server's: never masked.
    Server,
}

/// Frames that break the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Reserved bits or an unknown opcode: no extension is ever agreed on.
    Reserved,
    /// Masked where it must not be, or the reverse.
    Masking,
    /// A control frame that is long or in pieces.
    Control,
    /// Longer than this side may send.
    TooLong,
}

/// Follows one direction.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    from: From,
    at_most: u64,
    header: [u8; HEADER_BYTES],
    header_filled: u8,
    payload_left: u64,
    closing: bool,
}

impl Scanner {
    pub(super) fn new(from: From, at_most: u64) -> Self {
        Self { from, at_most, header: [0; HEADER_BYTES], header_filled: 0, payload_left: 0, closing: false }
    }

    /// Whether what was taken so far ends with a whole frame.
    pub(super) fn at_boundary(&self) -> bool {
        self.header_filled == 0 && self.payload_left == 0
    }

    /// Whether a close frame has begun to pass.
    pub(super) fn saw_close(&self) -> bool {
        self.closing
    }

    /// Takes bytes; with `stop` only up to the end of the frame they are in. Returns how many were taken.
    pub(super) fn take(&mut self, bytes: &[u8], stop: bool) -> Result<usize, Broken> {
        let mut taken = 0;
        while taken < bytes.len() {
            if stop && self.at_boundary() {
                break;
            }
            if self.payload_left > 0 {
                let rest = (bytes.len() - taken) as u64;
                let skipped = rest.min(self.payload_left);
                self.payload_left -= skipped;
                // `skipped` is at most the slice's length.
                taken += usize::try_from(skipped).unwrap_or(0);
                continue;
            }
            self.header[usize::from(self.header_filled)] = bytes[taken];
            self.header_filled += 1;
            taken += 1;
            self.judge()?;
        }
        Ok(taken)
    }

    /// Looks at the header as far as it is there.
    fn judge(&mut self) -> Result<(), Broken> {
        let filled = usize::from(self.header_filled);
        let (first, second) = (self.header[0], self.header[1]);
        let opcode = first & 0x0f;
        if first & 0x70 != 0 || !matches!(opcode, 0..=2 | 8..=10) {
            return Err(Broken::Reserved);
        }
        if filled < 2 {
            return Ok(());
        }
        let masked = second & 0x80 != 0;
        if masked != (self.from == From::Client) {
            return Err(Broken::Masking);
        }
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let control = opcode >= 8;
        if control && (first & 0x80 == 0 || extended > 0) {
            return Err(Broken::Control);
        }
        if filled < 2 + extended {
            return Ok(());
        }
        let length = match extended {
            0 => u64::from(second & 0x7f),
            bytes => self.header[2..2 + bytes].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        };
        if length > self.at_most.max(CONTROL_BYTES) {
            return Err(Broken::TooLong);
        }
        if filled < 2 + extended + if masked { 4 } else { 0 } {
            return Ok(());
        }
        self.closing |= opcode == 8;
        self.header_filled = 0;
        self.payload_left = length;
        Ok(())
    }
}

/// A close frame; masked if it goes to a server.
pub(super) fn close(code: u16, mask: Option<[u8; 4]>) -> Vec<u8> {
    let [high, low] = code.to_be_bytes();
    match mask {
        None => vec![0x88, 2, high, low],
        Some([a, b, c, d]) => vec![0x88, 0x82, a, b, c, d, high ^ a, low ^ b],
    }
}

#[cfg(test)]
mod tests;
