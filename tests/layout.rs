//! Who may import what: surfaces do not know each other, services know no surface, and only the command line, the
//! server and the tests know the router.

use std::path::{Path, PathBuf};

const SURFACES: [&str; 7] = ["oauth", "login", "account", "admin", "console", "access", "scim"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("protocol") && !path.ends_with("store") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top-level module a file belongs to.
fn module(source: &Path, root: &Path) -> String {
    let first = source.strip_prefix(root).unwrap().components().next().unwrap();
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

#[test]
fn imports_point_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50);
    for file in files {
        let module = module(&file, &root);
        let text = std::fs::read_to_string(&file).unwrap();
        for surface in SURFACES {
            let knows =
                text.contains(&format!("crate::{surface}::")) || text.contains(&format!("crate::{surface};"));
            assert!(
                !knows || module == surface,
                "{} imports the surface {surface}",
                file.display()
            );
        }
        let knows_router = text.contains("crate::router") || text.contains("router::router(");
        let may = ["cli", "server", "router", "lib", "main"].contains(&module.as_str());
        assert!(!knows_router || may, "{} knows the router", file.display());
    }
}
