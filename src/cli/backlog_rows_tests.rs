//! What lines become, as a table.

use super::*;

const A: &str = "7b1f0c7e-2d54-4b63-9a0e-5c1d8e2f4a10";
const W: &str = "0d9c2b61-3f77-4f0b-8c55-9a4e6b1f2c33";

/// Each line as `number:ok`, `number:ok@millis` or `number:reason`.
fn told(format: InputFormat, input: &[u8]) -> Vec<String> {
    let mut rows = Rows::new(input, format, None, Position::default());
    let mut told = Vec::new();
    while let Some(Line { number, row, .. }) = rows.next().unwrap() {
        told.push(match row {
            Ok(row) => {
                assert_eq!((row.account.hyphenated(), row.execution.hyphenated()), ids());
                match row.completed {
                    Some(at) => format!("{number}:ok@{}", at.as_seconds()),
                    None => format!("{number}:ok"),
                }
            }
            Err(reason) => format!("{number}:{reason}"),
        });
    }
    assert_eq!(rows.position().offset, input.len() as u64, "every byte is accounted for");
    told
}

fn ids() -> (String, String) {
    (A.to_owned(), W.to_owned())
}

fn bad(number: u64, reason: &str) -> String {
    format!("{number}:{reason}")
}

#[test]
fn csv_is_read_as_people_write_it() {
    let ok = |n: u64| format!("{n}:ok");
    let long = "x".repeat(LINE_LEN_MAX + 1);
    let table: [(&str, String, Vec<String>); 16] = [
        ("two columns", format!("{A},{W}\n"), vec![ok(1)]),
        ("no line end at the end", format!("{A},{W}"), vec![ok(1)]),
        ("three columns", format!("{A},{W},1970-01-01T00:01:00Z\n"), vec!["1:ok@60".to_owned()]),
        ("an empty time", format!("{A},{W},\n"), vec![ok(1)]),
        ("names", format!("account_id,workflow_execution_id\n{A},{W}\n"), vec![ok(2)]),
        (
            "names in another order, and more of them",
            format!("Who,Workflow_Execution_Id,ACCOUNT_ID\nAda,{W},{A}\n"),
            vec![ok(2)],
        ),
        ("a mark and DOS line ends", format!("\u{feff}{A},{W}\r\n{A},{W}\r\n"), vec![ok(1), ok(2)]),
        (
            "a mark before names",
            format!("\u{feff}account_id,workflow_execution_id\r\n{A},{W}"),
            vec![ok(2)],
        ),
        ("quotes and blanks", format!("\"{A}\", {W} ,\"\"\n"), vec![ok(1)]),
        ("blank lines", format!("\n{A},{W}\n  \r\n{A},{W}\n"), vec![ok(2), ok(4)]),
        ("a quote left open", format!("\"{A},{W}\n{A},{W}\n"), vec![bad(1, NOT_CLOSED), ok(2)]),
        ("one column", format!("{A}\n"), vec![bad(1, NOT_CSV)]),
        ("four columns", format!("{A},{W},,\n"), vec![bad(1, NOT_CSV)]),
        ("wrong ids", format!("{A}0,{W}\n{A},x\n"), vec![bad(1, ACCOUNT), bad(2, EXECUTION)]),
        ("a wrong time", format!("{A},{W},yesterday\n"), vec![bad(1, COMPLETED)]),
        ("a long line", format!("{A},{long}\n{A},{W}\n"), vec![bad(1, TOO_LONG), ok(2)]),
    ];
    for (name, input, want) in table {
        assert_eq!(told(InputFormat::Csv, input.as_bytes()), want, "{name}");
    }
    let not_utf8 = [b"\xff\xfe,", W.as_bytes(), b"\n"].concat();
    assert_eq!(told(InputFormat::Csv, &not_utf8), [bad(1, NOT_CSV)]);
}

#[test]
fn json_lines_are_read() {
    let object =
        |more: &str| format!("{{\"account_id\":\"{A}\",\"workflow_execution_id\":\"{W}\"{more}}}");
    let input = [
        format!("\u{feff}{}", object("")),
        object(",\"completed_time\":\"1970-01-01T00:01:00Z\",\"name\":\"Ada\""),
        object(",\"completed_time\":null"),
        String::new(),
        object(",\"completed_time\":7"),
        "{".to_owned(),
        "[]".to_owned(),
        object("").replace(A, "x"),
    ];
    let want = ["1:ok", "2:ok@60", "3:ok"].map(str::to_owned).into_iter().chain([
        bad(5, NOT_JSON),
        bad(6, NOT_JSON),
        bad(7, NOT_JSON),
        bad(8, ACCOUNT),
    ]);
    assert_eq!(told(InputFormat::Jsonl, input.join("\r\n").as_bytes()), want.collect::<Vec<_>>());
}

#[test]
fn a_file_that_names_half_of_what_is_needed_is_refused() {
    let mut rows =
        Rows::new(&b"account_id,execution\n"[..], InputFormat::Csv, None, Position::default());
    assert_eq!(rows.next().unwrap_err().exit, Exit::Usage);
}

#[test]
fn reading_goes_on_in_the_middle_with_the_columns_of_the_beginning() {
    let input = format!("workflow_execution_id,account_id\n{W},{A}\n{W},{A}\n");
    let mut first = Rows::new(input.as_bytes(), InputFormat::Csv, None, Position::default());
    first.next().unwrap().unwrap();
    let (columns, position) = (first.columns(), first.position());

    let rest = &input.as_bytes()[usize::try_from(position.offset).unwrap()..];
    let mut second = Rows::new(rest, InputFormat::Csv, columns, position);

    let line = second.next().unwrap().unwrap();
    assert_eq!((line.number, line.row.is_ok()), (3, true));
    assert_eq!(second.next().unwrap(), None);
}
