//! The house's own name, logo, colour, links, templates and languages.

use std::fs;
use std::path::Path;

use chancery::config::{Branding, Config};
use chancery::pages::Pages;
use tempfile::TempDir;

use crate::support::{Browser, Request, Server};

const SVG: &str =
    "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A server whose templates come from this folder first.
async fn with_templates(folder: &Path) -> Server {
    let change = |config: &mut Config| config.branding.templates = Some(folder.to_owned());
    Server::start_with(change).await
}

/// Why a house with this folder cannot open.
fn refusal(folder: &Path) -> String {
    let branding = Branding {
        templates: Some(folder.to_owned()),
        ..Branding::default()
    };
    Pages::new(&branding).unwrap_err().to_string()
}

/// The path of the first attribute value that begins like this.
fn path_of(html: &str, beginning: &str) -> String {
    let at = html
        .find(beginning)
        .unwrap_or_else(|| panic!("no {beginning} in {html}"));
    html[at..].split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn pages_show_the_name_logo_colour_and_links_of_the_house() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "logo.anything", SVG);
    let server = Server::start_with(|config| {
        config.branding.name = "Example <House>".to_owned();
        config.branding.logo_file = Some(folder.path().join("logo.anything"));
        config.branding.accent_color = Some("#ffd400".to_owned());
        config.branding.privacy_url = Some("https://house.example/privacy?a=1&b=2".to_owned());
        config.branding.terms_url = Some("https://house.example/terms".to_owned());
        config.branding.support_url = Some("mailto:help@house.example".to_owned());
    })
    .await;
    let page = Browser::new(&server).open(&server.authorize(&[])).await;
    for part in [
        "· Example &lt;House&gt;</title>",
        "<span>Example &lt;House&gt;</span>",
        "href=\"https://house.example/privacy?a=1&amp;b=2\"",
        "href=\"https://house.example/terms\"",
        "href=\"mailto:help@house.example\"",
    ] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    assert!(!page.body.contains("Chancery"), "{}", page.body);

    let logo = server.get(&path_of(&page.body, "/assets/logo-")).await;
    assert_eq!(logo.header("content-type"), Some("image/svg+xml"));
    assert_eq!(logo.body, SVG);
    assert_eq!(
        logo.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let policy = logo.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("script-src"), "{policy}");

    let style = server.get(&path_of(&page.body, "/assets/style-")).await.body;
    assert!(style.contains("--accent: #ffd400;"), "{style}");
    assert!(style.contains("--on-accent: #000000;"), "{style}");
}

#[tokio::test]
async fn without_branding_nothing_of_a_house_is_shown() {
    let server = Server::start().await;
    let page = server.get("/").await;
    assert!(page.body.contains("· Chancery</title>"), "{}", page.body);
    assert!(!page.body.contains("/assets/logo-"), "{}", page.body);
    assert!(!page.body.contains("<nav aria-label=\"About this service\""));
}

#[test]
fn a_logo_is_a_small_picture() {
    let folder = TempDir::new().unwrap();
    let check = |content: &[u8]| {
        write(folder.path(), "logo", content);
        let branding = Branding {
            logo_file: Some(folder.path().join("logo")),
            ..Branding::default()
        };
        Pages::new(&branding)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(check(SVG.as_bytes()), Ok(()));
    assert_eq!(check(b"\x89PNG\r\n\x1a\nrest"), Ok(()));
    for (content, problem) in [
        (
            b"<html><svg></svg>".as_slice(),
            "is neither an SVG nor a PNG picture",
        ),
        (b"GIF89a", "is neither an SVG nor a PNG picture"),
        (b"", "is neither an SVG nor a PNG picture"),
        (&[b'x'; 300_000], "262144 are allowed"),
    ] {
        let refused = check(content).unwrap_err();
        assert!(
            refused.starts_with("branding.logo_file: ") && refused.contains(problem),
            "{refused}"
        );
    }
    let missing = Branding {
        logo_file: Some(folder.path().join("nowhere")),
        ..Branding::default()
    };
    let refused = Pages::new(&missing).unwrap_err().to_string();
    assert!(refused.contains("cannot be read"), "{refused}");
}

#[tokio::test]
async fn a_file_of_the_same_name_replaces_a_template() {
    let folder = TempDir::new().unwrap();
    write(
        folder.path(),
        "home.html",
        "{% extends \"base.html\" %}{% block title %}Welcome{% endblock %}\
         {% block main %}{% include \"_greeting.html\" %}{% endblock %}",
    );
    write(
        folder.path(),
        "_greeting.html",
        "<h1>{{ t(\"home-title\") }} & {{ brand.name }}</h1>",
    );
    write(folder.path(), "README.txt", "not a template {% nonsense");
    let server = with_templates(folder.path()).await;
    let home = server.get("/").await;
    assert!(
        home.body.contains("<h1>One account, every app & Chancery</h1>"),
        "{}",
        home.body
    );
    let others = server.get("/nowhere").await;
    assert!(others.body.contains("id=\"error-code\""), "{}", others.body);
}

#[test]
fn a_broken_template_is_refused_with_its_line() {
    for (name, content, problem) in [
        ("home.html", "<p>\n{% if %}", "home.html, line 2: "),
        (
            "home.html",
            "\n\n{{ pgae.title }}",
            "home.html, line 3: nothing is called pgae",
        ),
        (
            "home.html",
            "<h1>\n{{ t(\"no-such-text\") }}",
            "home.html, line 2: there is no text no-such-text",
        ),
        (
            "hom.html",
            "<p>",
            "hom.html, line 1: there is no template of this name",
        ),
        (
            "sign-in.html",
            "<form method=\"post\"><input name=\"username\"></form>",
            "sign-in.html, line 1: its forms need <input",
        ),
        ("locales/fr.ftl", "sign-in = Connexion\n!\n", "fr.ftl, line 2: "),
        (
            "locales/french.language.ftl",
            "sign-in = Connexion\n",
            "is named after a language",
        ),
    ] {
        let folder = TempDir::new().unwrap();
        write(folder.path(), name, content);
        let refused = refusal(folder.path());
        assert!(
            refused.starts_with("branding.templates: ") && refused.contains(problem),
            "{name}: {refused}"
        );
    }
    let refused = refusal(Path::new("/nowhere"));
    assert!(refused.contains("/nowhere"), "{refused}");
}

#[tokio::test]
async fn a_template_that_fails_when_shown_gives_way_to_ours() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "home.html", "<h1>Hello {{ page.nobody }}</h1>");
    let server = with_templates(folder.path()).await;
    let home = server.get("/").await;
    assert_eq!(home.status, 200);
    assert!(home.body.contains("One account, every app"), "{}", home.body);
}

#[tokio::test]
async fn a_file_of_texts_adds_a_language_or_replaces_texts() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "locales/ar.ftl", "home-title = حساب واحد\n");
    write(
        folder.path(),
        "locales/de.ftl",
        "home-title = Ein Konto für das ganze Haus\nsigned-in-as = Hallo { $nobody }\n",
    );
    let server = with_templates(folder.path()).await;
    let home = async |accepted: &str| {
        let request = Request::get("/").header("accept-language", accepted);
        server.send(request).await.body
    };
    let arabic = home("ar-EG, en;q=0.5").await;
    assert!(arabic.contains("<html lang=\"ar\" dir=\"rtl\">"), "{arabic}");
    assert!(arabic.contains("حساب واحد"), "{arabic}");
    // What is not translated yet is in English.
    assert!(arabic.contains("This service signs you in"), "{arabic}");
    let german = home("de").await;
    assert!(
        german.contains("<html lang=\"de\" dir=\"ltr\">") && german.contains("Ein Konto für das ganze Haus"),
        "{german}"
    );
    assert!(home("en").await.contains("One account, every app"));

    let metadata = server.get("/.well-known/openid-configuration").await.json();
    assert_eq!(
        metadata["ui_locales_supported"],
        serde_json::json!(["en", "ar", "de"])
    );
}
