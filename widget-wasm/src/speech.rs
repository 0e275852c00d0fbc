//! Reading the agent's lines aloud in a text conversation, by the browser's own voices. Off until the visitor asks.

use web_sys::SpeechSynthesisUtterance;

use crate::dom;

/// Whether this browser can.
pub(crate) fn is_possible() -> bool {
    dom::window().speech_synthesis().is_ok()
}

/// Says it after what is being said.
pub(crate) fn speak(text: &str, language: &str) {
    if let (Ok(voice), Ok(line)) = (dom::window().speech_synthesis(), SpeechSynthesisUtterance::new_with_text(text)) {
        line.set_lang(language);
        voice.speak(&line);
    }
}

/// Is silent at once.
pub(crate) fn hush() {
    if let Ok(voice) = dom::window().speech_synthesis() {
        voice.cancel();
    }
}
