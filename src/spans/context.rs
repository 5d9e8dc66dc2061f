//! Where a request belongs in a trace: W3C Trace Context (<https://www.w3.org/TR/trace-context/>).

/// The trace of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    trace: [u8; 16],
    parent: Option<u64>,
    sampled: bool,
}

/// Characters of a `traceparent` as this version of the standard knows it.
const LENGTH: usize = 55;

impl Context {
    /// A trace that begins here.
    pub fn new(mut trace: [u8; 16]) -> Self {
        // Nothing but zeros is no id.
        trace[0] |= u8::from(trace == [0; 16]);
        Self { trace, parent: None, sampled: true }
    }

    /// The trace of the caller, from its `traceparent`; none when that is not exactly what the standard says
    /// (<https://www.w3.org/TR/trace-context/#traceparent-header-field-values>).
    pub fn parse(header: &[u8]) -> Option<Self> {
        let known = header.get(..LENGTH)?;
        let (version, trace) = (known.get(..2)?, known.get(3..35)?);
        let (parent, flags) = (known.get(36..52)?, known.get(53..)?);
        if [known[2], known[35], known[52]] != *b"---" {
            return None;
        }
        let version = hex(version)?;
        // A later version may have more behind a dash, this one has not.
        let more = &header[LENGTH..];
        if version == 0xff || !(more.is_empty() || (version > 0 && more[0] == b'-')) {
            return None;
        }
        let (trace, parent, flags) = (hex(trace)?, u64::try_from(hex(parent)?).ok()?, hex(flags)?);
        if trace == 0 || parent == 0 {
            return None;
        }
        Some(Self { trace: trace.to_be_bytes(), parent: Some(parent), sampled: flags & 1 == 1 })
    }

    /// Id of the trace.
    pub fn trace(&self) -> &[u8; 16] {
        &self.trace
    }

    /// Id of the trace, as it is written.
    pub fn text(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.trace))
    }

    /// Id of the caller's span.
    pub fn parent(&self) -> Option<u64> {
        self.parent
    }

    /// Whether its spans are collected, when this part of all traces is. The id alone decides, by its last seven bytes, as
    /// other programs decide (<https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>): who wants
    /// the same part has the same traces. What the caller does not collect is not collected here.
    pub fn is_collected(&self, ratio: f64) -> bool {
        let last = self.trace[9..].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let least = ((1.0 - ratio) * (1_u64 << 56) as f64) as u64;
        self.sampled && last >= least
    }
}

/// Digits of the standard: lower case alone.
fn hex(text: &[u8]) -> Option<u128> {
    text.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::Context;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_taken_as_the_standard_has_it_or_not_at_all() {
        let parse = |text: &str| Context::parse(text.as_bytes());
        let good = parse(GOOD).unwrap();
        assert_eq!(good.text(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!((good.parent(), good.sampled), (Some(0x00f0_67aa_0ba9_02b7), true));
        assert!(!parse(&GOOD.replace("-01", "-02")).unwrap().sampled);
        for later in [GOOD.replacen("00", "cc", 1), format!("{}-more", GOOD.replacen("00", "01", 1))] {
            assert_eq!(parse(&later), Some(good), "{later}");
        }
        for bad in [
            String::new(),
            GOOD[..54].to_owned(),
            GOOD.to_uppercase(),
            GOOD.replacen("00", "ff", 1),
            GOOD.replacen("4bf", "4bg", 1),
            GOOD.replace('-', "_"),
            GOOD.replace("-01", "-0x"),
            format!("{GOOD}-more"),
            format!("{GOOD} "),
            format!("{}more", GOOD.replacen("00", "01", 1)),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16)),
            "é".repeat(28),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn the_id_decides_which_part_is_collected() {
        let of = |last: u8| {
            let mut trace = [1; 16];
            trace[9..].fill(last);
            Context::new(trace)
        };
        for (last, ratio, collected) in
            [(0, 1.0, true), (0xff, 0.0, false), (0x7f, 0.5, false), (0x80, 0.5, true), (0, 0.999, false)]
        {
            assert_eq!(of(last).is_collected(ratio), collected, "{last} {ratio}");
        }
        let asleep = Context::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap();
        assert!(!asleep.is_collected(1.0));
        assert_eq!(Context::new([0; 16]).text(), "01000000000000000000000000000000");
    }
}
