//! What the visitor says and how: messages, quick replies, the voice path and the end. It never reads a frame.

use alloc::string::{String, ToString};

use neoron_protocol::{
    UnixMillis,
    frame::{ClientFrame, Level, MAX_TEXT_BYTES},
};

use super::{
    model::{Effect, End, MAX_OUTBOX, Model, Outgoing, Phase, Step, Target, Timer},
    update::{announce, begin, dismiss, leave_place, over, send},
};
use crate::{
    encode,
    media::{self, Action, Media, Mode},
    replies::Reply,
    signalling::Signalling,
    texts::Text,
};

/// Passes an event to the media machine and turns its answer into effects.
pub(super) fn media(model: &mut Model, event: media::Event) {
    let (after, action) = model.media.after(event);
    model.media = after;
    match action {
        Action::None => {}
        Action::Ask => {
            model.phase = Phase::Starting(Step::Microphone);
            model.out.push(Effect::AskMicrophone);
        }
        Action::Begin(mode) => begin(model, mode),
        Action::FallBack(why) => fall_back(model, why),
        Action::Mute(mute) => model.out.push(Effect::MuteVoice(mute)),
        Action::Leave => model.out.extend([Effect::Forget(Timer::Join), Effect::LeaveVoice]),
    }
    match after {
        Media::Live(_) if matches!(event, media::Event::Status(_)) => model.out.push(Effect::Forget(Timer::Join)),
        Media::Lost if model.phase == Phase::Live => {
            // The session still takes text: one rung down, not the end.
            model.media = Media::Text;
            note(model, Text::VoiceToText);
            model.out.push(Effect::Focus(Target::Composer));
        }
        _ => {}
    }
}

/// Goes on in text before there is a session, and says why.
pub(super) fn fall_back(model: &mut Model, why: Text) {
    model.media = Media::Text;
    model.out.push(Effect::LeaveVoice);
    note(model, why);
    begin(model, Mode::Text);
}

fn note(model: &mut Model, text: Text) {
    model.feed.note(text.within(model.config.language), Level::Info);
    announce(model, text);
}

/// Takes a message of the visitor: shown at once, sent at once if that is possible, and again after every reconnect until
/// the gateway shows it back.
pub(super) fn say(model: &mut Model, text: &str, now: UnixMillis, random: u32) {
    let text = cut(text.trim());
    if text.is_empty() || model.phase != Phase::Live || model.ending {
        return;
    }
    if model.outbox.len() >= MAX_OUTBOX {
        return note(model, Text::Full);
    }
    model.counter += 1;
    let mut id = String::from("m");
    for part in [now.0, u64::from(random), u64::from(model.counter)] {
        id.push_str(&encode::decimal(part));
        id.push('-');
    }
    id.pop();
    model.feed.typed(&id, text);
    if model.signalling.can_send() {
        send(model, &ClientFrame::Text { id: id.clone(), text: text.to_string() });
    }
    model.outbox.push(Outgoing { id, text: text.to_string() });
    model.out.push(Effect::Hush);
}

/// The longest start of `text` that the gateway takes, ending at a character.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

pub(super) fn reply(model: &mut Model, at: usize, now: UnixMillis, random: u32) {
    match model.replies().get(at) {
        Some(Reply::Say(text)) => say(model, text.within(model.config.language), now, random),
        Some(Reply::Write(_)) => {}
        None => return,
    }
    model.out.push(Effect::Focus(Target::Composer));
}

/// Ends the conversation. The gateway confirms by a session frame; without a socket the request goes by HTTP and the
/// popup does not wait.
pub(super) fn hang_up(model: &mut Model, random: u32) {
    let ready = model.signalling.can_send() && model.signalling != Signalling::GoingAway;
    match &model.ticket {
        Some(place) if place.waits() => {
            let place = place.clone();
            leave_place(model, place);
            dismiss(model, random);
        }
        Some(_) if ready && !model.ending => {
            model.ending = true;
            send(model, &ClientFrame::End);
            media(model, media::Event::Stop);
            model.out.push(Effect::Hush);
        }
        Some(ticket) => {
            model.out.push(Effect::EndSession(ticket.clone()));
            over(model, End::Well, random);
        }
        None => {}
    }
}
