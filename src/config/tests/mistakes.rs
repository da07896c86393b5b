//! Mistakes that people make: each is found, at its place, with a remedy, and all of them at once.

use super::*;

/// One file with many mistakes. Beside each: its column, and words of the message and of the remedy.
const MISTAKES: &[(&str, usize, &str, &str)] = &[
    ("mode = \"production\"", 0, "", ""),
    ("[jumio]", 0, "", ""),
    ("regoin = \"emea-1\"", 1, "unknown key `regoin`", "did you mean `region`?"),
    ("client_id = \"two words\"", 13, "`jumio.client_id`", "the id itself"),
    ("client_secret = \"marker\"", 17, "not the secret itself", "cred:NAME"),
    ("user_agent = \"fmvault/1.0\"", 14, "names your company", "YourCompany"),
    ("  retention = 90", 15, "its unit is missing", "\"90d\""),
    ("workflow_key = \"on premises\"", 16, "1 to 32 letters", "10071"),
    ("auth_url = \"http://auth.example\"", 12, "must be https", "https://"),
    ("proxy = \"http://me:marker@proxy:3128\"", 9, "name or password", "scheme, host and port"),
    ("[jumio.limits]", 0, "", ""),
    ("account_per_second = -1", 22, "more than 0", "what Jumio allows"),
    ("token_per_second = \"fast\"", 20, "invalid type", "a number"),
    ("reserve_for_authentication = 0.95", 30, "0 to 0.9", "0.3"),
    ("[store]", 0, "", ""),
    ("path = \"/srv/fmvault\"", 0, "", ""),
    ("[keys]", 0, "", ""),
    ("keyring = \"/srv/./fmvault/x/../keys\"", 11, "within each other", "directory of its own"),
    ("passphrase = \"env:PASSPHRASE\"", 14, "must not come from the environment", "cred:NAME"),
    ("key_file = \"cred:key\"", 12, "exclude each other", "remove the one"),
    ("max_age = \"3months\"", 11, "no fixed length", "90d"),
    ("buckets = 257", 11, "must be 1 to 256", "16"),
    ("[crypto]", 0, "", ""),
    ("provider = \"openssl\"", 12, "unknown variant `openssl`", "rust-crypto"),
    ("[listen]", 0, "", ""),
    ("public.reflection = false", 1, "no listener without TLS", "a path in double quotes"),
    ("public.connection_age = \"1h\"", 25, "at most 15m", "15m"),
    ("public.connections_max = 0", 26, "1 to 20000", "1024 in all"),
    ("http.address = \"localhost\"", 16, "invalid socket address", "127.0.0.1"),
    ("[listen.admin]", 0, "", ""),
    ("socket = \"admin.sock\"", 10, "absolute path", "begin it with /"),
    ("group = \"x\"", 1, "unknown key `group`", "known here: socket"),
    ("[capture]", 0, "", ""),
    ("critical = \"15d\"", 12, "`capture.warning`", "before it is critical"),
    ("max_facemap_bytes = \"8MB\"", 21, "ambiguous", "8MiB"),
    ("onboarding_workflow_keys = [10011, 10071]", 28, "10071 is an authentication", "remove 10071"),
    ("background_max = 0", 18, "1 to 10000", "immediate = false"),
    ("[authentication]", 0, "", ""),
    ("token_lifetime = \"1m\"", 18, "5m to 60d", "30m"),
    ("on_in_progress = true", 18, "`authentication.on_in_progress`", "supersede"),
    ("consent_max_age = \"1096d\"", 19, "at most 1095d", "1095d"),
    ("[sweep]", 0, "", ""),
    ("interval = \"0s\"", 12, "zero is not allowed", "15m"),
    ("retention = \"90d\"", 1, "unknown key `retention`", "belongs in section [jumio]"),
    ("[log]", 0, "", ""),
    ("level = \"verbose\"", 9, "unknown variant `verbose`", "debug"),
];

#[test]
fn all_mistakes_are_found_at_once_each_at_its_place_with_a_remedy() {
    let text: Vec<_> = MISTAKES.iter().map(|(line, ..)| *line).collect();
    let problems = load(&text.join("\n")).unwrap_err();
    assert!(!problems.to_string().contains("marker"), "{problems}");

    let mut found = problems.iter();
    for (number, (text, column, message, fix)) in (1..).zip(MISTAKES) {
        if *column == 0 {
            continue;
        }
        let problem = found.next().unwrap_or_else(|| panic!("{text}: not found"));
        let Place::Line { line, column: at, .. } = problem.place else {
            panic!("{text}: {problem:?}");
        };
        assert_eq!((line, at), (number, *column), "{text}: {problem:?}");
        assert!(problem.message.contains(message), "{text}: {problem:?}");
        assert!(problem.fix.contains(fix), "{text}: {problem:?}");
    }
    assert_eq!(found.next(), None);
}

/// One change to a valid file each, where a file with many mistakes would hide it.
#[test]
fn single_mistakes_are_found() {
    let table = [
        ("passphrase = \"cred:passphrase\"", "", "`keys.pkcs11` is missing", 8),
        (
            "passphrase = \"cred:passphrase\"",
            "program = [\"key\"]",
            "the absolute path of a program",
            9,
        ),
        ("passphrase = \"cred:passphrase\"", "program = []", "the absolute path of a program", 9),
        (
            "passphrase = \"cred:passphrase\"",
            "pkcs11 = \"pkcs11:token=a;object=b?module-path=/m&pin-value=1\"",
            "must not hold the PIN",
            9,
        ),
        ("client_id = \"cred:jumio-client-id\"", "", "`jumio.client_id` is missing", 2),
        ("mode = \"production\"", "capture = 1", "is a section", 1),
        ("\"production\"", "\"prod\"", "unknown variant `prod`", 1),
        ("[keys]", "[[keys]]", "is a section", 8),
        ("\"90d\"", "90d", "not TOML", 7),
        ("\"90d\"", "\"90d", "not TOML", 7),
        ("\"90d\"", "\"90d\"\nretention = \"1d\"", "duplicate key", 8),
        ("\"cred:jumio-client-secret\"", "marker", "not TOML", 5),
        ("\"cred:jumio-client-secret\"", "4711", "not the secret itself", 5),
        ("\"cred:jumio-client-secret\"", "\"\"\"\nmarker\n", "not TOML", 16),
        ("\"cred:jumio-client-secret\"", "[\n\"marker\" marker]", "not TOML", 6),
        ("retention = \"90d\"", "workflow_key = 10011", "10011 is an authentication", 7),
        ("region = \"emea-1\"", "region = 7", "`jumio.region`", 3),
        ("mode = \"production\"", "mode = \"simulator\"", "`jumio.auth_url`: is missing", 1),
        ("[keys]", "api_url = \"https://a.example/v1\"\n[keys]", "and nothing else", 8),
        ("[keys]", "[capture]\nonboarding_workflow_keys = []\n[keys]", "is empty", 9),
        ("[keys]", "[capture]\nonboarding_workflow_keys = [1, \"1\"]\n[keys]", "twice", 9),
        ("[keys]", "[store]\npath = \"/var/lib/fmvault/keyring/x\"\n[keys]", "each other", 9),
        ("[keys]", "[listen]\nhttp.address = \"127.0.0.1:50051\"\n[keys]", "two listeners", 9),
        ("[keys]", "[listen]\nhttp.address = \"[::]:90\"\n[keys]", "answers everyone", 9),
        ("[keys]", "[listen]\ncallback.address = \"10.0.0.1:1\"\n[keys]", "ends", 9),
        ("[keys]", "[listen]\ncallback.enabled = true\n[keys]", "not signed", 9),
        ("[keys]", "[listen]\ncallback.sources = [\"10.0.0.1/8\"]\n[keys]", "a range of them", 9),
        (
            "[keys]",
            "[listen.callback]\npath_secret = \"marker\"\n[keys]",
            "not the secret itself",
            9,
        ),
        ("client_ca", "#", "listen.public.client_ca`: is missing", 11),
        ("\"cred:server-key\"", "\"marker\"", "not the secret itself", 12),
        ("client_ca", "caller = [{ san = \"x\", permissions = [\"read\"] }]\nclient_ca", "URI", 13),
        ("client_ca", "caller = [{ permissions = [] }]\nclient_ca", "one of `san` and `dns`", 13),
        (
            "client_ca",
            "caller = [{ dns = \"a\", permissions = [\"admin\"] }]\nclient_ca",
            "unknown variant `admin`",
            13,
        ),
        ("[keys]", "[listen.callback]\npath_secret = \"env:X\"\n[keys]", "environment", 9),
    ];
    for (what, with, message, line_wanted) in table {
        let problems = load(&VALID.replace(what, with)).unwrap_err();
        assert!(!problems.to_string().contains("marker"), "{with}: {problems}");
        let problem = problems.iter().find(|problem| problem.message.contains(message));
        let problem = problem.unwrap_or_else(|| panic!("{with}: {problems}"));
        let Place::Line { line, .. } = problem.place else { panic!("{with}: {problem:?}") };
        assert_eq!(line, line_wanted, "{with}: {problem:?}");
        assert!(!problem.fix.is_empty(), "{with}: {problem:?}");
    }
}

#[test]
fn mistakes_outside_the_file_name_the_variable_or_flag_and_no_secret() {
    let env = [
        ("FMVAULT__JUMIO__REGON", "emea-1"),
        ("FMVAULT__JUMIO__CLIENT_SECRETS", "marker"),
        ("FMVAULT__KEYS__PASSPHRASE", "marker"),
        ("FMVAULT__CAPTURE__WARNING", "14"),
    ];
    let flags = [("capture.immediate", "maybe".to_owned())];
    let problems = load_with(VALID, &env, &flags).unwrap_err();
    let text = problems.to_string();

    assert_eq!(problems.len(), 5, "{text}");
    for (name, _) in env {
        assert!(text.contains(&format!("--> environment {name}\n")), "{text}");
    }
    assert!(text.contains("--> flag for capture.immediate\n"), "{text}");
    assert!(text.contains("did you mean `region`?"), "{text}");
    assert!(!text.contains("marker"), "{text}");
}

#[test]
fn the_sample_of_the_documentation() {
    let text =
        VALID.replace("retention", "retension").replace("cred:jumio-client-secret", "marker");
    let text = load(&text).unwrap_err().to_string();
    let text =
        text.replace(text.split("--> ").nth(1).unwrap().split("fmvault.toml").next().unwrap(), "");
    let want = "error: `jumio.client_secret`: must be a reference (file:, cred: or env:), not the secret \
                itself\n --> fmvault.toml:5:17\n  |\n5 | client_secret = ***\n  |                 ^^^ \
                write \"file:/path\" or \"cred:NAME\", and outside production also \"env:NAME\"\n\
                error: unknown key `retension`\n --> fmvault.toml:7:1\n  |\n7 | retension = \"90d\"\n  | \
                ^^^^^^^^^ did you mean `retention`?\n2 problems.";
    assert_eq!(text, want);
}
