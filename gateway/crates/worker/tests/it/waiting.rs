//! The waiting room, and what fills a site or a network.

use neoron_simulators::ultravox::{EndReason, Faults};
use neoron_worker::config::SiteConfig;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Answer, Visitor, World, answer, until, wanted};

/// A visitor who waits.
struct Waiter {
    path: String,
    ticket: String,
}

impl Waiter {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        let waiting = &answer.body["waiting"];
        let path = format!("/v1/waiting/{}", waiting["id"].as_str().unwrap());
        Self { path, ticket: waiting["ticket"].as_str().unwrap().to_owned() }
    }

    async fn ask(&self, world: &World) -> Answer {
        answer(world.request(Method::POST, &self.path).bearer_auth(&self.ticket)).await
    }

    async fn leave(&self, world: &World) -> Answer {
        answer(world.request(Method::DELETE, &self.path).bearer_auth(&self.ticket)).await
    }

    /// Asks until there is a session.
    async fn turn(&self, world: &World) -> Visitor {
        let created = until("the visitor's turn", async || {
            Some(self.ask(world).await).filter(|answer| answer.status != StatusCode::ACCEPTED)
        })
        .await;
        world.visitor(created)
    }
}

fn place(answer: &Answer) -> (u64, u64) {
    let number = |name: &str| answer.body["waiting"][name].as_u64().unwrap();
    assert!((500..30_000).contains(&number("ask_again_in")) && number("patience") == 30_000, "{answer:?}");
    (number("ahead"), number("of"))
}

async fn with_room_for_one() -> World {
    World::with(|settings| settings.worker.capacity = 1).await
}

async fn hang_up(world: &World, visitor: &Visitor) {
    world.ultravox.end(&visitor.call, EndReason::Unjoined).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_a_full_worker_waits_and_gets_the_call_that_was_asked_for_at_the_first_time() {
    let world = with_room_for_one().await;
    let first = world.session("voice").await;
    let mut body = wanted("text");
    body["customer"] = serde_json::json!({"name": "Ada"});
    let waits = world.ask(&body).await;
    assert_eq!((place(&waits), waits.header("cache-control")), ((0, 1), "no-store"));
    let waiter = Waiter::of(&waits);
    let again = waiter.ask(&world).await;
    assert_eq!((again.status, place(&again)), (StatusCode::ACCEPTED, (0, 1)));
    assert_eq!(again.body["waiting"]["ticket"], Value::Null, "told once");
    hang_up(&world, &first).await;
    let visitor = waiter.turn(&world).await;
    assert_eq!(visitor.created["media"], "text");
    assert_eq!(waiter.path, format!("/v1/waiting/{}.shop", visitor.id));
    waiter.ask(&world).await.is_problem("waiting_over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_does_not_pass_who_waits() {
    let world = with_room_for_one().await;
    let first = world.session("voice").await;
    let (one, two) = (Waiter::of(&world.ask(&wanted("voice")).await), world.ask(&wanted("voice")).await);
    assert_eq!(place(&two), (1, 2));
    hang_up(&world, &first).await;
    world.in_state(&first, "abandoned").await;
    until("the slot", async || {
        let health = answer(world.request(Method::GET, "/internal/health")).await;
        (health.body["load"] == 0).then_some(())
    })
    .await;
    let newcomer = world.ask(&wanted("voice")).await;
    assert_eq!(place(&newcomer), (2, 3), "there is a slot, but others were first");
    assert_eq!(Waiter::of(&two).ask(&world).await.status, StatusCode::ACCEPTED, "it is not yet the second one's turn");
    let second = one.turn(&world).await;
    hang_up(&world, &second).await;
    Waiter::of(&two).turn(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_is_bounded_and_a_place_that_is_left_is_the_next_ones() {
    let world = World::with(|settings| (settings.worker.capacity, settings.worker.waiting_room) = (1, 1)).await;
    let first = world.session("voice").await;
    let waiter = Waiter::of(&world.ask(&wanted("voice")).await);
    world.ask(&wanted("voice")).await.is_problem("no_room");
    for _ in 0..2 {
        assert_eq!(waiter.leave(&world).await.status, StatusCode::NO_CONTENT);
    }
    waiter.ask(&world).await.is_problem("waiting_over");
    let next = Waiter::of(&world.ask(&wanted("voice")).await);
    hang_up(&world, &first).await;
    next.turn(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_opened_by_its_own_ticket_only() {
    let world = with_room_for_one().await;
    world.session("voice").await;
    let (one, two) = (Waiter::of(&world.ask(&wanted("voice")).await), Waiter::of(&world.ask(&wanted("voice")).await));
    let stolen = Waiter { path: one.path.clone(), ticket: two.ticket.clone() };
    stolen.ask(&world).await.is_problem("waiting_over");
    assert_eq!(stolen.leave(&world).await.status, StatusCode::NO_CONTENT);
    assert_eq!(place(&one.ask(&world).await), (0, 2), "nothing happened to it");
    answer(world.request(Method::POST, &one.path)).await.is_problem("ticket_invalid");
    let nowhere = Waiter { path: "/v1/waiting/s_1".into(), ticket: one.ticket.clone() };
    nowhere.ask(&world).await.is_problem("not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_site_lets_its_visitors_wait_though_workers_have_room() {
    let world = World::with(|settings| {
        settings.worker.sites.insert("shop".into(), SiteConfig { minutes_per_day: 10_000, max_calls: 1 });
    })
    .await;
    let first = world.session("voice").await;
    let waiter = Waiter::of(&world.ask(&wanted("voice")).await);
    assert_eq!(waiter.ask(&world).await.status, StatusCode::ACCEPTED);
    hang_up(&world, &first).await;
    waiter.turn(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_has_its_share_and_its_visitors_do_not_wait_for_more() {
    let world = World::with(|settings| (settings.worker.calls_per_network, settings.worker.capacity) = (2, 2)).await;
    let first = world.visitor(world.ask_from("aaaa").await);
    world.visitor(world.ask_from("bbbb").await);
    let waiter = Waiter::of(&world.ask_from("aaaa").await);
    let refused = world.ask_from("aaaa").await;
    refused.is_problem("too_many_calls");
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "one calls, one waits");
    Waiter::of(&world.ask_from("bbbb").await);
    waiter.leave(&world).await;
    Waiter::of(&world.ask_from("aaaa").await);
    hang_up(&world, &first).await;
    world.in_state(&first, "abandoned").await;
    until("the seat", async || (world.store.seated("net:aaaa").await.unwrap() == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_could_not_be_made_gives_its_seats_back() {
    let world = World::new().await;
    world.ultravox.set_faults(Faults { create_status: 400, create_failures: 9, ..Faults::default() });
    world.ask_from("aaaa").await.is_problem("voice_unavailable");
    let seated = async |scope: &str| world.store.seated(scope).await.unwrap();
    assert_eq!((seated("site:shop").await, seated("net:aaaa").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_questions_at_once_one_gets_the_session() {
    let world = with_room_for_one().await;
    let first = world.session("voice").await;
    let waiter = Waiter::of(&world.ask(&wanted("voice")).await);
    hang_up(&world, &first).await;
    world.in_state(&first, "abandoned").await;
    until("one session", async || {
        let (one, two, three) = tokio::join!(waiter.ask(&world), waiter.ask(&world), waiter.ask(&world));
        let made = [one, two, three].iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        assert!(made <= 1, "one place is one session");
        (made == 1).then_some(())
    })
    .await;
    assert_eq!(world.ultravox.calls().len(), 2);
    assert_eq!(world.store.seated("site:shop").await.unwrap(), 1, "the others took nothing of it");
}
