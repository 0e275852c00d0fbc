//! Quick replies: what a visitor most likely wants to say next. It never sends anything.

use crate::{feed::Feed, texts::Text};

/// A button above the text field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Says its own text.
    Say(Text),
    /// Puts the cursor into the text field.
    Write(Text),
}

impl Reply {
    /// The button's text.
    pub const fn text(self) -> Text {
        match self {
            Self::Say(text) | Self::Write(text) => text,
        }
    }
}

/// The replies that fit what is on the screen, at most three.
pub fn suggest(feed: &Feed, business: &str) -> &'static [Reply] {
    use Reply::{Say, Write};
    if feed.open_quote().is_some() {
        return &[Say(Text::SayYes), Write(Text::SayChange), Say(Text::SayNo)];
    }
    if feed.documents().next().is_some() {
        return match business {
            "restaurant" => &[Say(Text::SayOrderStatus), Say(Text::SayThanks)],
            "support" => &[Say(Text::SayTicket), Say(Text::SayThanks)],
            _ => &[Say(Text::SayThanks)],
        };
    }
    if feed.visitor_spoke() {
        return &[];
    }
    match business {
        "restaurant" => &[Say(Text::SayMenu), Say(Text::SayOrderStatus), Say(Text::SayHours)],
        "appointment" => &[Say(Text::SayBook), Say(Text::SayServices), Say(Text::SayHours)],
        "support" => &[Say(Text::SayProblem), Say(Text::SayTicket)],
        _ => &[Say(Text::SayHours), Say(Text::SayMessage)],
    }
}
