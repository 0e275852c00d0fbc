//! What each message leads to. The voice path is in `talk`, the gateway's frames in `frames`.

use alloc::{rc::Rc, string::String, vec::Vec};

use neoron_protocol::{UnixMillis, frame::ClientFrame};

use super::{
    frames,
    model::{Effect, End, Model, Msg, Phase, Step, Target, Timer, Trouble},
    talk,
};
use crate::{
    answers::{Answer, Created, Place, Refusal, Ticket},
    cards, encode,
    media::{self, Mode},
    signalling::{Action, Event, Signalling},
    texts::Text,
};

/// When to ask for a place again that could not be asked for.
const ASK_AGAIN_MS: u32 = 3_000;

/// Takes one message in and says what is to be done, in order. `random` is any number, fresh for each call.
pub fn update(model: &mut Model, msg: Msg, now: UnixMillis, random: u32) -> Vec<Effect> {
    match msg {
        Msg::Open => open(model),
        Msg::Minimise => minimise(model),
        Msg::Choose(mode) => choose(model, mode),
        Msg::Grant(answer) => granted(model, answer),
        Msg::Answered(answer) => answered(model, answer, random),
        Msg::Proved(proof) => proved(model, proof),
        Msg::Found(ticket) => found(model, ticket),
        Msg::Fetched(answer) => frames::fetched(model, answer, random),
        Msg::SocketOpened => opened(model, random),
        Msg::SocketClosed { by_gateway } => closed(model, by_gateway, random),
        Msg::Frame(frame) => frames::arrived(model, frame, random),
        Msg::Due(Timer::Signalling) => signal(model, Event::Due, random),
        Msg::Due(Timer::Place) => ask_place(model),
        Msg::Due(Timer::Join) => talk::media(model, media::Event::Overdue),
        Msg::Say(text) => talk::say(model, &text, now, random),
        Msg::Reply(at) => talk::reply(model, at, now, random),
        Msg::Media(event) => talk::media(model, event),
        Msg::Retry => retry(model, random),
        Msg::Nudge => {
            ask_place(model);
            signal(model, Event::Nudge, random);
        }
        Msg::HangUp => talk::hang_up(model, random),
        Msg::Dismiss => dismiss(model, random),
        Msg::Again => {
            reset(model, random);
            model.out.push(Effect::Focus(Target::First));
        }
        Msg::Sound(on) => {
            model.sound = on;
            if !on {
                model.out.push(Effect::Hush);
            }
        }
        // A cached page with an open socket would not be cached at all; the session itself goes on.
        Msg::PageHide => model.out.extend([Effect::CloseSocket, Effect::Hush]),
        Msg::PageShow => page_show(model, random),
    }
    core::mem::take(&mut model.out)
}

/// Passes an event to the signalling machine and turns its answer into effects.
pub(super) fn signal(model: &mut Model, event: Event, random: u32) {
    let before = model.signalling;
    let (after, action) = before.after(event, random);
    model.signalling = after;
    match (action, &model.ticket) {
        (Action::Open, Some(ticket)) => {
            let ticket = ticket.clone();
            model.out.extend([Effect::Forget(Timer::Signalling), Effect::OpenSocket(ticket)]);
        }
        (Action::Wait(pause), _) => model.out.push(Effect::Wait(Timer::Signalling, pause)),
        (Action::WaitAndProbe(pause), Some(ticket)) => {
            let ticket = ticket.clone();
            model.out.extend([Effect::Wait(Timer::Signalling, pause), Effect::FetchSession(ticket)]);
        }
        (Action::Close, _) => model.out.extend([Effect::Forget(Timer::Signalling), Effect::CloseSocket]),
        _ => {}
    }
    if !before.is_broken() && after.is_broken() {
        announce(model, model.warning().unwrap_or(Text::SignalWaiting));
    } else if matches!(after, Signalling::Resumed { .. }) && before != after {
        announce(model, Text::SignalResumed);
    }
}

pub(super) fn announce(model: &mut Model, text: Text) {
    model.out.push(Effect::Announce(text.within(model.config.language).into()));
}

/// Sends a frame of ours.
pub(super) fn send(model: &mut Model, frame: &ClientFrame) {
    model.out.extend(encode::frame(frame).map(Effect::Send));
}

fn open(model: &mut Model) {
    model.shown = true;
    let target = if model.phase == Phase::Live { Target::Composer } else { Target::First };
    model.out.extend([Effect::Show, Effect::Focus(target), Effect::Emit("open")]);
}

fn minimise(model: &mut Model) {
    model.shown = false;
    if matches!(model.phase, Phase::Failed(_)) {
        model.phase = Phase::Choice;
    }
    model.out.extend([Effect::Hide, Effect::Emit("minimise")]);
}

fn choose(model: &mut Model, mode: Mode) {
    if model.is_live() || (mode == Mode::Voice && !model.config.voice) {
        return;
    }
    model.fresh_grant_tried = false;
    model.out.push(Effect::Emit("consent"));
    talk::media(model, media::Event::Chosen(mode));
}

/// Asks for a grant for `mode`. A grant works once and for a minute, so that it is fetched for each try.
pub(super) fn begin(model: &mut Model, mode: Mode) {
    model.mode = Some(mode);
    model.phase = Phase::Starting(Step::Grant);
    announce(model, Text::Starting);
    match model.ticket.take() {
        // A place of an earlier page: it is asked for instead.
        Some(place) if place.waits() && place.mode == mode && !model.fresh_grant_tried => {
            model.phase = Phase::Starting(Step::Session);
            model.ticket = Some(place);
            return ask_place(model);
        }
        Some(place) if place.waits() => leave_place(model, place),
        _ => {}
    }
    let body = encode::grant_request(&model.config.business, &model.config.language_tag);
    model.out.push(Effect::RequestGrant(body));
}

fn granted(model: &mut Model, answer: Result<String, Refusal>) {
    let (Phase::Starting(Step::Grant), Some(mode)) = (&model.phase, model.mode) else { return };
    match answer {
        Ok(grant) => {
            model.phase = Phase::Starting(Step::Session);
            model.grant.clone_from(&grant);
            model.proved = false;
            model.out.push(Effect::CreateSession { grant, mode, proof: None });
        }
        Err(refusal) => fail(model, &refusal),
    }
}

fn answered(model: &mut Model, answer: Result<Answer, Refusal>, random: u32) {
    model.asking = false;
    if !matches!(model.phase, Phase::Waiting(_) | Phase::Starting(Step::Session)) {
        return;
    }
    let waiting = model.ticket.as_ref().is_some_and(|ticket| ticket.waits());
    match answer {
        Ok(Answer::Created(created)) => live(model, created, random),
        Ok(Answer::Waits(place)) => wait(model, place),
        Err(refusal) if refusal.wants_a_proof() && !model.proved => {
            model.phase = Phase::Starting(Step::Proof);
            model.out.push(Effect::Prove);
        }
        Err(refusal) if refusal.wants_a_fresh_grant() && !model.fresh_grant_tried => {
            model.fresh_grant_tried = true;
            begin(model, model.mode.unwrap_or(Mode::Text));
        }
        Err(refusal) if refusal.code == "voice_unavailable" && model.mode == Some(Mode::Voice) => {
            talk::fall_back(model, Text::VoiceToText);
        }
        Err(refusal) if waiting && refusal.keeps_the_place() => {
            model.out.push(Effect::Wait(Timer::Place, ASK_AGAIN_MS));
        }
        Err(refusal) => fail(model, &refusal),
    }
}

/// The same request again, with the proof.
fn proved(model: &mut Model, proof: Option<String>) {
    let (Phase::Starting(Step::Proof), Some(mode)) = (&model.phase, model.mode) else { return };
    if proof.is_none() {
        return fail(model, &Refusal::unreachable());
    }
    model.phase = Phase::Starting(Step::Session);
    model.proved = true;
    model.out.push(Effect::CreateSession { grant: core::mem::take(&mut model.grant), mode, proof });
}

/// Shows the place in the waiting room and keeps it for a reload.
fn wait(model: &mut Model, place: Place) {
    let Place { id, ticket, ahead, ask_again_in } = place;
    if let Some(ticket) = ticket {
        let ticket = Rc::new(Ticket { session: id, ticket, mode: model.mode.unwrap_or(Mode::Text) });
        model.ticket = Some(ticket.clone());
        // A place that is lost later is worth a fresh grant again.
        model.fresh_grant_tried = false;
        model.out.push(Effect::StoreTicket(ticket));
    }
    let before = core::mem::replace(&mut model.phase, Phase::Waiting(ahead));
    if before != model.phase {
        model.out.push(Effect::Announce(model.place()));
    }
    if matches!(before, Phase::Starting(_)) {
        model.out.push(Effect::Focus(Target::First));
    }
    model.out.push(Effect::Wait(Timer::Place, ask_again_in));
}

/// One question at a time: of two, the one that comes second learns that the place is gone.
fn ask_place(model: &mut Model) {
    match &model.ticket {
        Some(place) if place.waits() && !model.asking => {
            let place = place.clone();
            model.asking = true;
            model.out.extend([Effect::Forget(Timer::Place), Effect::AskPlace(place)]);
        }
        _ => {}
    }
}

pub(super) fn leave_place(model: &mut Model, place: Rc<Ticket>) {
    model.out.extend([Effect::Forget(Timer::Place), Effect::LeavePlace(place), Effect::ClearTicket]);
}

fn live(model: &mut Model, created: Created, random: u32) {
    let Created { ticket, join_url } = created;
    model.phase = Phase::Live;
    model.ticket = Some(ticket.clone());
    model.epoch.clear();
    model.offset = 0;
    model.out.push(Effect::StoreTicket(ticket));
    signal(model, Event::Start, random);
    if let (Some(Mode::Voice), Some(url)) = (model.mode, join_url) {
        model.out.extend([Effect::JoinVoice(url), Effect::Wait(Timer::Join, media::JOIN_TIMEOUT_MS)]);
    }
    model.out.extend([Effect::Focus(Target::Composer), Effect::Emit("start")]);
}

/// A conversation of an earlier page goes on here, or its place in the waiting room is kept. A voice call cannot be taken over from a page that is gone, so its
/// visitor goes on in text, in the same session.
fn found(model: &mut Model, ticket: Rc<Ticket>) {
    if model.phase != Phase::Choice {
        return;
    }
    model.shown = true;
    if ticket.waits() {
        let mode = ticket.mode;
        model.ticket = Some(ticket);
        model.out.push(Effect::Show);
        return talk::media(model, media::Event::Chosen(mode));
    }
    model.mode = Some(Mode::Text);
    model.phase = Phase::Starting(Step::Resume);
    model.ticket = Some(ticket.clone());
    model.out.extend([Effect::Show, Effect::FetchSession(ticket)]);
}

/// Greets the gateway with what is known, then repeats what it has not confirmed.
fn opened(model: &mut Model, random: u32) {
    signal(model, Event::Opened, random);
    send(model, &ClientFrame::Resume { epoch: model.epoch.clone(), offset: model.offset });
    let outbox = core::mem::take(&mut model.outbox);
    for message in &outbox {
        send(model, &ClientFrame::Text { id: message.id.clone(), text: message.text.clone() });
    }
    model.outbox = outbox;
    if model.ending {
        send(model, &ClientFrame::End);
    }
}

/// A gateway that closes the stream of a conversation that is over has nothing more to tell.
fn closed(model: &mut Model, by_gateway: bool, random: u32) {
    let told_all = by_gateway && matches!(model.phase, Phase::Over(_));
    signal(model, if told_all { Event::Stop } else { Event::Closed }, random);
}

fn fail(model: &mut Model, refusal: &Refusal) {
    model.ticket = None;
    model.out.push(Effect::ClearTicket);
    trouble(model, refusal);
}

/// Shows why it did not start; a ticket stays, and trying again then looks for its session.
pub(super) fn trouble(model: &mut Model, refusal: &Refusal) {
    let text = refusal.text();
    model.media = model.media.after(media::Event::Stop).0;
    model.phase = Phase::Failed(Trouble { text, retry: text != Text::FailBudget });
    model.out.push(Effect::LeaveVoice);
    announce(model, text);
    model.out.extend([Effect::Focus(Target::First), Effect::Emit("error")]);
}

/// The conversation is over. The socket stays while a document still moves, so that its status comes in.
pub(super) fn over(model: &mut Model, end: End, random: u32) {
    if matches!(model.phase, Phase::Over(_)) {
        return;
    }
    model.phase = Phase::Over(end);
    model.busy = false;
    model.ending = false;
    model.outbox.clear();
    talk::media(model, media::Event::Stop);
    model.out.extend([Effect::ClearTicket, Effect::Hush]);
    stop_if_settled(model, random);
    announce(model, Text::Ended);
    model.out.extend([Effect::Focus(Target::First), Effect::Emit("end")]);
}

/// Closes the socket once no document moves any more.
pub(super) fn stop_if_settled(model: &mut Model, random: u32) {
    if !model.feed.documents().any(cards::is_moving) {
        signal(model, Event::Stop, random);
    }
}

fn retry(model: &mut Model, random: u32) {
    match (&model.phase, &model.ticket) {
        (Phase::Failed(Trouble { retry: true, .. }), Some(ticket)) => {
            model.out.push(Effect::FetchSession(ticket.clone()));
            model.phase = Phase::Starting(Step::Resume);
        }
        (Phase::Failed(Trouble { retry: true, .. }), None) => {
            model.phase = Phase::Choice;
            choose(model, model.mode.unwrap_or(Mode::Text));
        }
        _ => signal(model, Event::Nudge, random),
    }
}

/// Leaves the dialog for good.
pub(super) fn dismiss(model: &mut Model, random: u32) {
    reset(model, random);
    minimise(model);
}

/// Back to the choice, as if nothing had been.
fn reset(model: &mut Model, random: u32) {
    signal(model, Event::Stop, random);
    let mut fresh = Model::new(core::mem::take(&mut model.config));
    fresh.shown = model.shown;
    fresh.sound = model.sound;
    fresh.out = core::mem::take(&mut model.out);
    fresh.out.push(Effect::ClearTicket);
    *model = fresh;
}

fn page_show(model: &mut Model, random: u32) {
    ask_place(model);
    if model.ticket.is_some() && !matches!(model.signalling, Signalling::Ended | Signalling::Idle) {
        model.signalling = Signalling::Lost;
        signal(model, Event::Nudge, random);
    }
}
