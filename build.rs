//! Compiles `proto/` into Rust and into the descriptor set that reflection serves. protox does it
//! inside cargo, so nobody has to install protoc.

use std::fmt::Write as _;
use std::{collections::BTreeSet, env, error::Error, fs, path::PathBuf};

use prost::Message;
use protox::Compiler;
use protox::prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor};

const PROTOS: [&str; 11] = [
    "facemapvault/v1/authentication.proto",
    "facemapvault/v1/enrollment.proto",
    "facemapvault/v1/error_reason.proto",
    "facemapvault/v1/facemap_vault_service.proto",
    "facemapvault/v1/permission.proto",
    "facemapvault/admin/v1/audit_service.proto",
    "facemapvault/admin/v1/doctor_service.proto",
    "facemapvault/admin/v1/enrollment_admin_service.proto",
    "facemapvault/admin/v1/key_service.proto",
    "facemapvault/admin/v1/status_service.proto",
    "facemapvault/admin/v1/sweep_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");

    let mut compiler = Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_files(PROTOS)?;
    let descriptors = compiler.file_descriptor_set();
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for build scripts")?);
    fs::write(out.join("descriptor_set.bin"), descriptors.encode_to_vec())?;
    fs::write(out.join("rpcs.rs"), rpcs(&compiler.descriptor_pool())?)?;

    tonic_prost_build::configure()
        // Bearer secrets: src/proto.rs prints it without them.
        .skip_debug(["facemapvault.v1.ClientSession"])
        .compile_fds(descriptors)?;
    Ok(())
}

/// How the option is called that says what the caller of a method must be permitted.
const OPTION: &str = "facemapvault.v1.permission";
/// Everything in this package is for operators, on their socket.
const OPERATORS: &str = "facemapvault.admin.v1";

/// The table of all our methods: path, name, and who may call it. A method that nobody decided about
/// fails the build.
fn rpcs(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let option = pool.get_extension_by_name(OPTION).ok_or("the permission option is gone")?;
    let methods = || pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut table = format!("pub(super) static RPCS: [Rpc; {}] = [\n", methods().count());
    let mut names = BTreeSet::new();
    for method in methods() {
        let (service, name) = (method.parent_service().full_name().to_owned(), method.name());
        if !names.insert(name.to_owned()) {
            return Err(format!(
                "two methods are called {name}: the ledger could not tell them apart"
            )
            .into());
        }
        let needs = match method.parent_service().package_name() {
            OPERATORS => "Needs::Operator".to_owned(),
            _ => format!("Needs::Permission(Permission::{})", permission(&method, &option)?),
        };
        writeln!(
            table,
            "    Rpc {{ path: \"/{service}/{name}\", name: \"{name}\", needs: {needs} }},"
        )?;
    }
    table.push_str("];\n");
    Ok(table)
}

/// The variant of `model::Permission` that a method names.
fn permission(
    method: &MethodDescriptor,
    option: &ExtensionDescriptor,
) -> Result<String, Box<dyn Error>> {
    let options = method.options();
    let number = options.get_extension(option).as_enum_number().unwrap_or_default();
    let values = option.kind();
    let value = values.as_enum().and_then(|values| values.get_value(number));
    let name = value.as_ref().map(|value| value.name().trim_start_matches("PERMISSION_"));
    match (number, name) {
        (0, _) | (_, None) => {
            Err(format!("{}: say `option (permission) = PERMISSION_...;`", method.full_name())
                .into())
        }
        (_, Some(name)) => {
            let (first, rest) = name.split_at(1);
            Ok(format!("{first}{}", rest.to_lowercase()))
        }
    }
}
