//! `fmvault sweep plan`: will every facemap be captured before Jumio may delete it?

use std::time::Duration;

use serde_json::{Value, json};

use crate::model::Timestamp;
use crate::proto::admin::v1::{Coverage, GetCoverageRequest};

use super::Session;
use super::client::Client;
use super::exit::{Exit, Failure};
use super::json::{text, time};

/// Prints the forecast; exit 3 if a deadline will be missed, or has been.
pub(super) async fn run(
    session: &Session,
    client: &Client,
    horizon: Option<Duration>,
) -> Result<Exit, Failure> {
    let within = horizon.and_then(|horizon| prost_types::Duration::try_from(horizon).ok());
    let request = client.request(GetCoverageRequest { horizon: within });
    let answer = client.status().get_coverage(request).await?.into_inner();
    let coverage = answer.coverage.unwrap_or_default();
    let json = json(&coverage);
    session.output.value(&json, || screen(&coverage, &json, horizon, Timestamp::now()));
    let attention = coverage.missed_deadlines + coverage.overdue > 0;
    Ok(if attention { Exit::Attention } else { Exit::Done })
}

fn screen(coverage: &Coverage, json: &Value, horizon: Option<Duration>, now: Timestamp) -> String {
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let each = coverage.captures_per_second_budget;
    let due = match horizon {
        Some(horizon) => format!("Due within {}:", humantime::format_duration(horizon)),
        None => "Due, all together:".to_owned(),
    };
    let line = |label: &str, value: String| format!("{label:<30}{value}");
    let mut lines = vec![
        line(&due, format!("{} facemaps", grouped(coverage.pending))),
        line(
            "Budget, reserve left out:",
            // Rounded down: what is promised must hold.
            format!("{each:.2} captures/s  ->  {} per hour", grouped((each * 3600.0) as i64)),
        ),
    ];
    if coverage.pending > 0 {
        let end = coverage.finish_time_at_budget.as_ref();
        let seconds = end.and_then(|end| u64::try_from(end.seconds).ok()).unwrap_or(0);
        let left = Timestamp::from_millis(seconds * 1000).since(now).as_secs().div_ceil(60) * 60;
        let left = humantime::format_duration(Duration::from_secs(left));
        lines.push(line(
            "Would finish:",
            format!("in {left} ({})", text(json, "finish_time_at_budget")),
        ));
    }
    let label = "Deadlines missed on the way:";
    lines.push(match coverage.missed_deadlines {
        0 => line(label, "0".to_owned()),
        n => {
            let first = text(json, "first_missed_time");
            format!("{red}{}{red:#}", line(label, format!("{}, first {first}", grouped(n))))
        }
    });
    if coverage.overdue > 0 {
        let overdue = line("Deadlines missed already:", grouped(coverage.overdue));
        lines.push(format!("{red}{overdue}{red:#}"));
    }
    for day in &coverage.days {
        let missed = match day.missed_deadlines {
            0 => String::new(),
            n => format!("   {red}{} missed{red:#}", grouped(n)),
        };
        let label = format!("  in {} to {} days", day.days_left, day.days_left + 1);
        lines.push(format!("{label:<30}{}{missed}", grouped(day.pending)));
    }
    lines.join("\n")
}

fn json(coverage: &Coverage) -> Value {
    let days = coverage.days.iter().map(|day| {
        json!({
            "days_left": day.days_left,
            "pending": day.pending,
            "missed_deadlines": day.missed_deadlines,
        })
    });
    json!({
        "days": days.collect::<Vec<_>>(),
        "pending": coverage.pending,
        "overdue": coverage.overdue,
        "captured": coverage.captured,
        "blocked": coverage.blocked,
        "lost": coverage.lost,
        "captures_per_second_budget": coverage.captures_per_second_budget,
        "finish_time_at_budget": time(coverage.finish_time_at_budget.as_ref()),
        "missed_deadlines": coverage.missed_deadlines,
        "first_missed_time": time(coverage.first_missed_time.as_ref()),
    })
}

/// With a comma at the thousands.
pub(super) fn grouped(n: i64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::admin::v1::coverage::Day;

    #[test]
    fn thousands_are_grouped() {
        let table =
            [(0, "0"), (999, "999"), (1_000, "1,000"), (412_090, "412,090"), (-100, "-100")];
        for (n, want) in table {
            assert_eq!(grouped(n), want);
        }
    }

    #[test]
    fn misses_are_red_and_name_the_day() {
        let end = prost_types::Timestamp { seconds: 1_790_003_600, nanos: 0 };
        let mut coverage = Coverage {
            days: vec![Day { days_left: 0, pending: 10, missed_deadlines: 0 }],
            pending: 10,
            captures_per_second_budget: 5.25,
            finish_time_at_budget: Some(end),
            ..Coverage::default()
        };
        let now = Timestamp::from_millis(1_790_000_000_000);
        let show = |coverage: &Coverage| screen(coverage, &json(coverage), None, now);
        let text = show(&coverage);
        assert!(text.contains("18,900 per hour") && text.contains("in 1h ("), "{text}");
        assert!(!text.contains('\u{1b}'), "nothing to be alarmed about: {text}");

        coverage.missed_deadlines = 4;
        coverage.first_missed_time = Some(end);
        let text = show(&coverage);
        assert!(text.contains("4, first 2026-09-21"), "{text}");
        assert!(text.contains('\u{1b}'), "red: {text}");
    }
}
