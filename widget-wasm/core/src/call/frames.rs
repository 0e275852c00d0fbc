//! What the gateway says: each event taken in exactly once, in order. It never sends anything but through effects.

use alloc::string::{String, ToString};

use neoron_protocol::{
    frame::{Body, Document, Notice, Quote, QuoteState, ServerFrame, Snapshot, Speaker, ToolPhase, Transcript},
    session::State,
};

use super::{
    model::{Effect, End, Fetched, Model, Phase, Step, Target},
    update::{announce, over, signal, stop_if_settled, trouble},
};
use crate::{answers::Refusal, cards, media, signalling::Event, texts::Text};

/// A frame of the socket. One that was seen is passed over; if one is missing, a fresh connection gets it.
pub(super) fn arrived(model: &mut Model, frame: ServerFrame, random: u32) {
    if !matches!(model.phase, Phase::Live | Phase::Over(_)) {
        return;
    }
    if frame.offset > 0 {
        if frame.epoch != model.epoch {
            // The gateway tells of a new life by a snapshot; only the very first frames come without one.
            if !model.epoch.is_empty() && frame.offset != 1 {
                return missed(model, random);
            }
            model.epoch = frame.epoch;
            model.offset = 0;
        }
        if frame.offset <= model.offset {
            return;
        }
        if frame.offset > model.offset + 1 && model.gap_after != Some(model.offset) {
            return missed(model, random);
        }
        model.offset = frame.offset;
        model.gap_after = None;
    } else if let Body::Snapshot(snapshot) = &frame.body {
        model.epoch = frame.epoch;
        model.offset = snapshot.upto;
        model.gap_after = None;
    }
    taken(model, frame.body, random);
}

fn missed(model: &mut Model, random: u32) {
    model.gap_after = Some(model.offset);
    signal(model, Event::Gap, random);
}

fn taken(model: &mut Model, body: Body, random: u32) {
    match body {
        Body::Session(session) => state(model, session.state, random),
        Body::Transcript(line) => transcript(model, line),
        Body::Tool(tool) => model.busy = tool.phase == ToolPhase::Started,
        Body::Quote(quote) => offer(model, quote),
        Body::Document(document) => progress(model, document, random),
        Body::Notice(notice) => remark(model, notice),
        Body::GoingAway(going) => signal(model, Event::Leaving(going.reconnect_in), random),
        Body::Snapshot(snapshot) => everything(model, snapshot, random),
        Body::Unknown => {}
    }
}

fn state(model: &mut Model, state: State, random: u32) {
    match state {
        // After the visitor's own goodbye, how it closes behind them is nothing they need to worry about.
        State::Failed if !model.ending => over(model, End::Broken, random),
        State::Ending | State::Completed | State::Abandoned | State::Failed => over(model, End::Well, random),
        State::Initializing | State::Ready | State::Active => {}
    }
}

fn transcript(model: &mut Model, line: Transcript) {
    let agent = line.speaker == Speaker::Agent;
    let said = (agent && line.r#final && model.sound && !model.media.is_voice()).then(|| line.text.clone());
    model.outbox.retain(|message| message.id != line.line);
    let completed = model.feed.line(line);
    model.media = model.media.after(media::Event::Writing(agent && model.feed.is_growing())).0;
    // In a voice call the visitor hears the agent already.
    if completed {
        model.out.extend(said.map(Effect::Speak));
    }
}

fn offer(model: &mut Model, quote: Quote) {
    let state = quote.state;
    let said = spoken(&quote.title, cards::quote_text(state).within(model.config.language));
    if model.feed.quote(quote) {
        model.out.push(Effect::Announce(said));
        if state == QuoteState::Open {
            model.out.push(Effect::Emit("quote"));
        }
    }
}

fn progress(model: &mut Model, document: Document, random: u32) {
    let own_word = cards::stage_text(document.stage).within(model.config.language);
    let said = spoken(&document.title, if document.status.is_empty() { own_word } else { &document.status });
    if model.feed.document(document) {
        model.out.extend([Effect::Announce(said), Effect::Emit("document")]);
        if matches!(model.phase, Phase::Over(_)) {
            stop_if_settled(model, random);
        }
    }
}

fn spoken(title: &str, status: &str) -> String {
    let mut said = String::from(title);
    said.push_str(": ");
    said.push_str(status);
    said
}

fn remark(model: &mut Model, notice: Notice) {
    let known = Text::of_notice(&notice.code).map(|text| text.within(model.config.language).to_string());
    let text = known.unwrap_or(notice.text);
    model.feed.note(&text, notice.level);
    model.out.push(Effect::Announce(text));
}

fn everything(model: &mut Model, snapshot: Snapshot, random: u32) {
    let state = snapshot.state;
    model.outbox.retain(|message| snapshot.transcript.iter().all(|line| line.line != message.id));
    model.feed.reset(snapshot);
    self::state(model, state, random);
}

/// The gateway's word on a session: of an earlier page, or of one whose socket does not come back.
pub(super) fn fetched(model: &mut Model, answer: Result<Fetched, Refusal>, random: u32) {
    let resuming = model.phase == Phase::Starting(Step::Resume);
    match answer {
        Ok(fetched) if resuming => {
            model.phase = Phase::Live;
            model.media = model.media.after(media::Event::Chosen(media::Mode::Text)).0;
            arrived(model, ServerFrame { epoch: fetched.epoch, ..fetched.snapshot }, random);
            if model.phase == Phase::Live {
                signal(model, Event::Start, random);
                model.out.extend([Effect::Focus(Target::Composer), Effect::Emit("resume")]);
                announce(model, Text::SignalResumed);
            }
        }
        Err(refusal) if refusal.session_is_gone() && resuming => {
            // Nothing was lost that the visitor is looking at: begin anew, quietly.
            model.phase = Phase::Choice;
            model.ticket = None;
            model.shown = false;
            model.out.extend([Effect::ClearTicket, Effect::Hide]);
        }
        Err(refusal) if refusal.session_is_gone() => over(model, End::Broken, random),
        // The session may well be there when the gateway is: keep the way back.
        Err(refusal) if resuming => trouble(model, &refusal),
        // The socket catches up by itself.
        _ => {}
    }
}
