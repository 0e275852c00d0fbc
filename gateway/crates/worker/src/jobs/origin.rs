//! Which trace a job came from. A job that was made in a trace carries it in an envelope around its payload, some 80
//! bytes; without tracing there is no envelope, and a payload without one is read as it always was. Pure but for the
//! span it is asked in.

use neoron_store::NewJob;
use neoron_telemetry::Traceparent;

const BEGIN: &str = "{\"trace\":\"";
const MIDDLE: &str = "\",\"with\":";
const END: &str = "}";

/// The payload with the present trace, if there is one and room for it.
pub(crate) fn remembered(payload: String) -> String {
    match Traceparent::of(&tracing::Span::current()) {
        Some(here) => sealed(payload, &here.to_string()),
        None => payload,
    }
}

fn sealed(payload: String, here: &str) -> String {
    let sealed = [BEGIN, here, MIDDLE, &payload, END].concat();
    if sealed.len() <= NewJob::MAX_PAYLOAD_BYTES { sealed } else { payload }
}

/// The trace and the payload itself.
pub(super) fn opened(payload: &str) -> (Option<Traceparent>, &str) {
    let parts = || {
        let rest = payload.strip_prefix(BEGIN)?;
        let here = Traceparent::parse(rest.get(..Traceparent::BYTES)?)?;
        let inner = rest[Traceparent::BYTES..].strip_prefix(MIDDLE)?.strip_suffix(END)?;
        Some((here, inner))
    };
    parts().map_or((None, payload), |(here, inner)| (Some(here), inner))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::jobs::Job;

    const HERE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_job_remembers_its_trace_and_an_old_one_is_read_as_before() {
        for job in [Job::RunCommand { key: "k}".to_owned() }, Job::UpsertSession] {
            let (kind, payload) = job.to_parts();
            let sealed = sealed(payload.clone(), HERE);
            assert!(sealed.len() - payload.len() < 80, "{sealed}");
            assert!(
                serde_json::from_str::<serde_json::Value>(&sealed).is_ok(),
                "whoever looks into the queue reads it"
            );
            let (here, inner) = opened(&sealed);
            assert_eq!(here.unwrap().to_string(), HERE);
            assert_eq!(Job::from_parts(&kind, inner), Some(job.clone()));
            assert_eq!(opened(&payload), (None, payload.as_str()));
        }
    }

    #[test]
    fn without_a_trace_or_room_the_payload_stays_as_it_is() {
        assert_eq!(remembered("null".to_owned()), "null");
        let largest = "x".repeat(NewJob::MAX_PAYLOAD_BYTES);
        assert_eq!(sealed(largest.clone(), HERE), largest);
        assert_eq!(opened("{\"trace\":\"none\",\"with\":1}").0, None);
        assert_eq!(opened("{\"trace\":\"ü").0, None);
    }
}
