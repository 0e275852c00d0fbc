//! Where a piece of work belongs: the header `traceparent` of W3C Trace Context, read and written without allocation.

use std::fmt;

use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt as _, TraceState},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The trace, the span in it that is going on, and whether somebody keeps them.
///
/// `tracestate` is not carried: it is for vendors along the way, and there is none between our own parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traceparent {
    trace: TraceId,
    span: SpanId,
    sampled: bool,
}

impl Traceparent {
    /// The header's name.
    pub const HEADER: &str = "traceparent";
    /// The length of a version 00 header, in bytes.
    pub const BYTES: usize = 55;

    /// Reads the header's value. Of a later version the part that version 00 knows is read, as the recommendation asks;
    /// `None` for everything that is not exactly so.
    pub fn parse(text: &str) -> Option<Self> {
        let head = text.get(..Self::BYTES)?;
        let mut parts = head.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lower_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let lengths = [version.len(), trace.len(), span.len(), flags.len()] == [2, 32, 16, 2];
        if parts.next().is_some() || !lengths || ![version, trace, span, flags].into_iter().all(lower_hex) {
            return None;
        }
        let rest = &text[Self::BYTES..];
        let ends = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
        if version == "ff" || !ends {
            return None;
        }
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let flags = u8::from_str_radix(flags, 16).ok()?;
        let whole = trace != TraceId::INVALID && span != SpanId::INVALID;
        whole.then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }

    /// Where a span is; `None` if nothing exports spans, or not this one.
    pub fn of(span: &Span) -> Option<Self> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let here = context.span().span_context().clone();
        here.is_valid().then(|| Self { trace: here.trace_id(), span: here.span_id(), sampled: here.is_sampled() })
    }

    /// Makes `span`, which has not been entered yet, a part of this trace.
    pub fn continue_in(self, span: &Span) {
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let here = SpanContext::new(self.trace, self.span, flags, true, TraceState::default());
        // Fails where nothing exports spans, or not this one: then there is no trace to be part of.
        let _ = span.set_parent(Context::new().with_remote_span_context(here));
    }

    /// The trace's id: 32 hexadecimal digits when shown.
    pub fn trace_id(self) -> impl fmt::Display + Copy {
        self.trace
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-0{}", self.trace, self.span, u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    // The example of the recommendation.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_recommendation_is_read_and_written() {
        let read = Traceparent::parse(EXAMPLE).unwrap();
        assert_eq!(read.to_string(), EXAMPLE);
        assert_eq!(read.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(Traceparent::parse(&EXAMPLE.replace("-01", "-00")).unwrap().to_string().ends_with("-00"));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let later = EXAMPLE.replacen("00", "cc", 1);
        assert_eq!(Traceparent::parse(&later), Traceparent::parse(EXAMPLE));
        assert_eq!(Traceparent::parse(&format!("{later}-what-comes")), Traceparent::parse(EXAMPLE));
        assert_eq!(Traceparent::parse(&format!("{later}.what")), None);
    }

    #[test]
    fn what_is_not_exactly_so_is_none() {
        let zero_trace = EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        let zero_span = EXAMPLE.replace("00f067aa0ba902b7", &"0".repeat(16));
        let wrong = [
            "",
            "00",
            &EXAMPLE[..54],
            &format!("{EXAMPLE}-01"),
            &EXAMPLE.to_uppercase(),
            &EXAMPLE.replacen("00", "ff", 1),
            &EXAMPLE.replace('-', "_"),
            &zero_trace,
            &zero_span,
        ];
        for text in wrong {
            assert_eq!(Traceparent::parse(text), None, "{text}");
        }
    }

    #[test]
    fn without_an_exporter_a_span_is_nowhere() {
        assert_eq!(Traceparent::of(&Span::none()), None);
        assert_eq!(Traceparent::of(&Span::current()), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,80}") {
            let _ = Traceparent::parse(&text);
        }

        #[test]
        fn what_is_written_is_read_again(trace in 1_u128.., span in 1_u64.., sampled: bool) {
            let one = Traceparent { trace: trace.into(), span: span.into(), sampled };
            prop_assert_eq!(Traceparent::parse(&one.to_string()), Some(one));
        }
    }
}
