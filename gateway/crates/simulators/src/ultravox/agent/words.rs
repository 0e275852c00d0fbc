//! An utterance as words, and the little English that every part of the agent needs.
//!
//! Pure. Knows no tool and no business.

/// One word: as it was said, and in lower case without punctuation. A pause is the word `,`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) raw: String,
    pub(super) low: String,
}

/// An utterance that parts of the agent take their words out of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words(pub(super) Vec<Word>);

/// Words beyond this are not looked at: nobody says more in one turn.
const LONGEST_UTTERANCE: usize = 400;

impl Words {
    pub(super) fn new(text: &str) -> Self {
        let mut words = Vec::new();
        for chunk in text.split_whitespace().take(LONGEST_UTTERANCE) {
            let chunk = chunk.replace('’', "'");
            let raw = chunk.trim_matches(|c: char| !c.is_alphanumeric() && c != '+');
            let low: String =
                raw.to_lowercase().chars().filter(|c| *c != '.' || raw.contains(char::is_numeric)).collect();
            if !low.is_empty() {
                words.push(Word { raw: raw.to_owned(), low });
            }
            if chunk.ends_with([',', '.', ';', '!', '?', ':']) && !words.is_empty() {
                words.push(Word { raw: ",".to_owned(), low: ",".to_owned() });
            }
        }
        Self(words)
    }

    pub(super) fn low(&self) -> Vec<&str> {
        self.0.iter().map(|word| word.low.as_str()).collect()
    }

    /// Whether one of the phrases occurs, each as whole words.
    pub(super) fn says(&self, phrases: &[&str]) -> bool {
        let text = format!(" {} ", self.low().join(" ").replace(" ,", ""));
        phrases.iter().any(|phrase| text.contains(&format!(" {phrase} ")))
    }

    /// Where a phrase begins.
    pub(super) fn find(&self, phrase: &[&str]) -> Option<usize> {
        let low = self.low();
        (0..low.len()).find(|at| low[*at..].starts_with(phrase))
    }

    /// The first of the phrases that occurs: where, and how many words it has.
    pub(super) fn find_any(&self, phrases: &[&str]) -> Option<(usize, usize)> {
        phrases.iter().find_map(|phrase| {
            let phrase: Vec<&str> = phrase.split(' ').collect();
            self.find(&phrase).map(|at| (at, phrase.len()))
        })
    }

    /// Takes a range of words out; a pause stays where they were.
    pub(super) fn take(&mut self, range: std::ops::Range<usize>) -> Vec<Word> {
        let pause = Word { raw: ",".to_owned(), low: ",".to_owned() };
        self.0.splice(range, [pause]).collect()
    }

    /// The words without pauses, as they were said.
    pub(super) fn raw(words: &[Word]) -> String {
        let text = words.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ");
        text.replace(" ,", ",").trim_matches([',', ' ']).to_owned()
    }

    /// Whether anything but pauses and politeness is left.
    pub(super) fn is_blank(&self) -> bool {
        const POLITE: [&str; 12] =
            [",", "please", "and", "thanks", "thank", "you", "it's", "is", "the", "that's", "my", "for"];
        self.0.iter().all(|word| POLITE.contains(&word.low.as_str()))
    }
}

/// A number from zero to twenty as a word, or up to three digits.
pub(super) fn number(word: &str) -> Option<u32> {
    const WORDS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    if word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return word.parse().ok();
    }
    WORDS.iter().position(|known| *known == word).and_then(|number| u32::try_from(number).ok())
}

/// A quantity at the beginning: the number, whether it was said as one, and how many words it takes.
pub(super) fn quantity(words: &[&str]) -> Option<(u32, bool, usize)> {
    const PHRASES: [(&str, u32, bool); 12] = [
        ("half a dozen", 6, true),
        ("a couple of", 2, true),
        ("couple of", 2, true),
        ("a pair of", 2, true),
        ("a dozen", 12, true),
        ("dozen", 12, true),
        ("one more", 1, true),
        ("another", 1, true),
        ("a", 1, true),
        ("an", 1, true),
        ("some", 1, false),
        ("the", 1, false),
    ];
    for (phrase, count, counted) in PHRASES {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        if words.starts_with(&phrase) {
            return Some((count, counted, phrase.len()));
        }
    }
    let first = words.first()?;
    let count = number(first).or_else(|| number(first.strip_suffix('x')?))?;
    let taken = if matches!(words.get(1), Some(&"x" | &"times" | &"more")) { 2 } else { 1 };
    (count > 0).then_some((count, true, taken))
}

/// The singular of a phrase whose last word may be a plural.
pub(super) fn singular(phrase: &str) -> String {
    // Food that a menu names in the plural.
    const PLURALS: [&str; 14] = [
        "fries", "chips", "wings", "nachos", "noodles", "nuggets", "tapas", "oysters", "mussels", "prawns", "beans",
        "olives", "crisps", "hummus",
    ];
    let (head, last) = match phrase.rsplit_once(' ') {
        Some((head, last)) => (format!("{head} "), last),
        None => (String::new(), phrase),
    };
    if PLURALS.contains(&last) {
        return phrase.to_owned();
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
    let cut = |letters: usize, add: &str| format!("{head}{}{add}", &last[..last.len() - letters]);
    match last {
        _ if ends(&["ss", "us", "is"]) || last.len() < 4 => phrase.to_owned(),
        "pies" | "cookies" | "brownies" | "smoothies" | "calories" => cut(1, ""),
        _ if ends(&["ies"]) => cut(3, "y"),
        _ if ends(&["ches", "shes", "xes", "sses", "oes"]) => cut(2, ""),
        _ if ends(&["s"]) => cut(1, ""),
        _ => phrase.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_understood_in_many_forms() {
        for (text, expected) in [
            ("a cola", (1, true, 1)),
            ("two colas", (2, true, 1)),
            ("a couple of colas", (2, true, 3)),
            ("half a dozen eggs", (6, true, 3)),
            ("twenty rolls", (20, true, 1)),
            ("2x cola", (2, true, 1)),
            ("2 x cola", (2, true, 2)),
            ("three more colas", (3, true, 2)),
            ("the cola", (1, false, 1)),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(quantity(&words), Some(expected), "{text}");
        }
        assert_eq!(quantity(&["cola"]), None);
    }

    #[test]
    fn plurals_become_singulars_except_where_the_menu_says_plural() {
        for (plural, expected) in [
            ("margherita pizzas", "margherita pizza"),
            ("garlic breads", "garlic bread"),
            ("sandwiches", "sandwich"),
            ("cherries", "cherry"),
            ("cookies", "cookie"),
            ("potatoes", "potato"),
            ("fries", "fries"),
            ("couscous", "couscous"),
            ("tiramisu", "tiramisu"),
        ] {
            assert_eq!(singular(plural), expected);
        }
    }

    #[test]
    fn punctuation_becomes_a_pause() {
        assert_eq!(Words::new("Hi! Two colas, please.").low(), ["hi", ",", "two", "colas", ",", "please", ","]);
        assert_eq!(Words::new("at 2:30 p.m.").low(), ["at", "2:30", "pm", ","]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let words = Words::new(&text);
            let low = words.low();
            let _ = quantity(&low);
            for word in low {
                let _ = singular(word);
            }
        }
    }
}
