//! From what was said to what is meant: "two margheritas" finds the Margherita pizza.
//!
//! Only what is certain is taken: a unique hit on a name or an alias, whatever its case, number, articles or order of
//! words, or a unique slip of the tongue away from it. Everything else is asked back.

/// The words that carry nothing.
const FILLERS: &[&str] = &["a", "an", "the", "some", "of", "please"];
/// Suggestions for something unknown.
const MAX_NEAR: usize = 3;
/// How alike a suggestion is at least, 0..=1 by Jaro-Winkler: `sushi` suggests no `Sides salad`.
const NEAR: f64 = 0.8;

/// A name or an alias, prepared to be compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spelling {
    /// The words that count, in the singular.
    words: Vec<String>,
    sorted: Vec<String>,
    joined: String,
}

impl Spelling {
    /// Prepares a name.
    pub(super) fn of(name: &str) -> Self {
        let words = words(name);
        let mut sorted = words.clone();
        sorted.sort_unstable();
        Self { joined: words.join(" "), sorted, words }
    }
}

/// Something that can be named.
pub(super) trait Named {
    /// Its name and aliases.
    fn spellings(&self) -> &[Spelling];
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// This one, by index.
    One(usize),
    /// Any of these.
    Several(Vec<usize>),
    /// None; these sound alike.
    None(Vec<usize>),
}

/// Finds what `wanted` names among `entries`.
pub(super) fn find<T: Named>(wanted: &str, entries: &[T]) -> Found {
    let wanted = Spelling::of(wanted);
    if wanted.words.is_empty() {
        return Found::None(Vec::new());
    }
    let hits = |hit: &dyn Fn(&Spelling) -> bool| -> Vec<usize> {
        (0..entries.len()).filter(|index| entries[*index].spellings().iter().any(hit)).collect()
    };
    let stages: [&dyn Fn() -> Vec<usize>; 3] =
        [&|| hits(&|name| name.words == wanted.words), &|| hits(&|name| name.sorted == wanted.sorted), &|| {
            slips(&wanted.joined, entries)
        }];
    for stage in stages {
        let found = stage();
        match found[..] {
            [] => {}
            [one] => return Found::One(one),
            _ => return Found::Several(found),
        }
    }
    // "pizza" says too little: any of the pizzas may be meant.
    let part = hits(&|name| wanted.words.iter().all(|word| name.words.contains(word)));
    if part.len() > 1 { Found::Several(part) } else { Found::None(near(&wanted.joined, part, entries)) }
}

/// The entries that are the fewest slips away, if those are few.
fn slips<T: Named>(wanted: &str, entries: &[T]) -> Vec<usize> {
    let allowed = match wanted.chars().count() {
        0..=3 => return Vec::new(),
        4..=7 => 1,
        _ => 2,
    };
    let distance = |entry: &T| entry.spellings().iter().map(|name| strsim::osa_distance(wanted, &name.joined)).min();
    let distances: Vec<usize> = entries.iter().map(|entry| distance(entry).unwrap_or(usize::MAX)).collect();
    let best = distances.iter().copied().min().filter(|best| *best <= allowed);
    (0..entries.len()).filter(|index| Some(distances[*index]) == best).collect()
}

fn near<T: Named>(wanted: &str, part: Vec<usize>, entries: &[T]) -> Vec<usize> {
    let alike = |entry: &T| {
        let names = entry.spellings().iter();
        names.map(|name| strsim::jaro_winkler(wanted, &name.joined)).fold(0.0, f64::max)
    };
    let mut scored: Vec<(f64, usize)> =
        entries.iter().map(alike).zip(0..).filter(|(score, _)| *score >= NEAR).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut near = part;
    for (_, index) in scored {
        if !near.contains(&index) {
            near.push(index);
        }
    }
    near.truncate(MAX_NEAR);
    near
}

/// The words that count, in the singular.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let counting: Vec<String> =
        words.iter().filter(|word| !FILLERS.contains(word)).map(|word| singular(word)).collect();
    // A dish called "The" is still a dish.
    if counting.is_empty() { words.into_iter().map(str::to_owned).collect() } else { counting }
}

/// English, roughly; both sides go through it, so a wrong singular is the same wrong singular on both.
fn singular(word: &str) -> String {
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    if word.len() > 4 && word.ends_with("ies") {
        return format!("{}y", &word[..word.len() - 3]);
    }
    if word.len() > 4 && ends(&["sses", "shes", "ches", "xes", "zzes", "oes"]) {
        return word[..word.len() - 2].to_owned();
    }
    if word.len() > 3 && word.ends_with('s') && !ends(&["ss", "us", "is"]) {
        return word[..word.len() - 1].to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Named for Vec<Spelling> {
        fn spellings(&self) -> &[Spelling] {
            self
        }
    }

    fn menu() -> Vec<Vec<Spelling>> {
        names().iter().map(|names| names.iter().map(|name| Spelling::of(name)).collect()).collect()
    }

    fn names() -> Vec<Vec<&'static str>> {
        vec![
            vec!["Margherita pizza", "margherita", "cheese pizza"],
            vec!["Pepperoni pizza", "pepperoni"],
            vec!["Garlic bread", "garlic baguette"],
            vec!["Cola", "coke", "coca cola"],
            vec!["Strawberries"],
            vec!["Sparkling water", "water"],
            vec!["Still water", "water"],
        ]
    }

    #[test]
    fn names_are_found_however_they_are_said() {
        for (said, index) in [
            ("Margherita pizza", 0),
            ("the margheritas, please", 0),
            ("PIZZA Margherita", 0),
            ("cheese pizzas", 0),
            ("margerita pizza", 0),
            ("a strawberry", 4),
            ("cokes", 3),
            ("peperoni", 1),
            ("still waters", 6),
        ] {
            assert_eq!(find(said, &menu()), Found::One(index), "{said}");
        }
    }

    #[test]
    fn what_may_be_several_things_is_asked_back() {
        assert_eq!(find("pizza", &menu()), Found::Several(vec![0, 1]));
        assert_eq!(find("water", &menu()), Found::Several(vec![5, 6]));
    }

    #[test]
    fn what_is_not_there_is_never_guessed() {
        assert_eq!(find("sushi", &menu()), Found::None(vec![]));
        assert_eq!(find("garlic", &menu()), Found::None(vec![2]));
        assert_eq!(find("", &menu()), Found::None(vec![]));
        assert_eq!(find("cod", &menu()), Found::None(vec![]), "too short for a slip of the tongue");
    }

    proptest! {
        #[test]
        fn every_name_finds_its_own(entry in 0usize..5, name in 0usize..3, upper in any::<bool>()) {
            let names = names();
            let name = names[entry][name % names[entry].len()];
            let said = if upper { name.to_uppercase() } else { format!(" the {name} ") };
            prop_assert_eq!(find(&said, &menu()), Found::One(entry));
        }

        #[test]
        fn no_text_makes_it_panic(said in "\\PC{0,60}") {
            find(&said, &menu());
        }
    }
}
