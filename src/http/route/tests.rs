use super::*;

fn name() -> PackageName {
    PackageName::parse("acme/lib").unwrap()
}

fn resource(path: &str) -> Result<(RepositoryAddress, Option<Moment>, Resource), NoRoute> {
    parse("GET", "Packages.Example", path).map(|route| match route {
        Route::Repository {
            address,
            moment,
            resource,
        } => (address, moment, resource),
        other => panic!("{path} gave {other:?}"),
    })
}

fn main() -> RepositoryAddress {
    RepositoryAddress::Path {
        organisation: "acme".to_owned(),
        repository: "main".to_owned(),
    }
}

#[test]
fn a_repository_is_named_by_path_or_by_host() {
    assert_eq!(
        resource("/r/acme/main/packages.json").unwrap(),
        (main(), None, Resource::Root)
    );
    assert_eq!(
        resource("/packages.json").unwrap(),
        (
            RepositoryAddress::Host("packages.example".to_owned()),
            None,
            Resource::Root
        )
    );
}

#[test]
fn a_host_of_ones_own_has_a_repository_or_all_of_an_organisation_and_nothing_else() {
    let route = |repository: Option<&str>, moment, resource| {
        Ok(MappedRoute {
            repository: repository.map(str::to_owned),
            moment,
            resource,
        })
    };
    let own = |path| parse_on_host_of_repository("GET", path);
    assert_eq!(own("/packages.json"), route(None, None, Resource::Root));
    assert_eq!(
        own("/@17/p2/acme/lib.json"),
        route(None, Some(Moment::Revision(17)), Resource::Tagged(name()))
    );
    let shared = |path| parse_on_host_of_organisation("GET", path);
    assert_eq!(
        shared("/main/packages.json"),
        route(Some("main"), None, Resource::Root)
    );
    assert_eq!(
        shared("/main@17/p2/acme/lib~dev.json"),
        route(
            Some("main"),
            Some(Moment::Revision(17)),
            Resource::Dev(name())
        )
    );
    for path in [
        "/",
        "/healthz",
        "/api/v1/orgs",
        "/api/v1/setup",
        "/r/acme/main/packages.json",
        "/hooks/c0ffee",
        "/@soon/packages.json",
        "/@17",
    ] {
        assert_eq!(own(path), Err(NoRoute::NotFound), "{path}");
        let shared = shared(path);
        assert!(shared.is_err(), "{path}: {shared:?}");
    }
    for path in ["/@17/upload/acme/lib/1.0.0", "/@17/uploads"] {
        let route = parse_on_host_of_repository("PUT", path);
        assert_eq!(route, Err(NoRoute::NotFound), "{path}");
    }
    assert_eq!(
        parse_on_host_of_organisation("POST", "/hooks/c0ffee"),
        Err(NoRoute::NotFound)
    );
    let upload = Resource::Upload(None, None);
    assert_eq!(
        parse_on_host_of_organisation("PUT", "/main"),
        route(Some("main"), None, upload)
    );
}

#[test]
fn documents_and_archives_are_told_apart() {
    assert_eq!(
        resource("/r/acme/main/p2/acme/lib.json").unwrap().2,
        Resource::Tagged(name())
    );
    assert_eq!(
        resource("/r/acme/main/p2/acme/lib~dev.json").unwrap().2,
        Resource::Dev(name())
    );
    assert_eq!(
        resource("/r/acme/main/p2/acme/lib%7Edev.json").unwrap().2,
        Resource::Dev(name())
    );
    assert_eq!(
        resource("/dist/acme/lib/0123abc.zip").unwrap().2,
        Resource::Dist(name(), "0123abc".to_owned(), ArchiveFormat::Zip)
    );
    assert_eq!(
        parse("PUT", "h", "/upload/acme/lib/dev-feature/x").unwrap(),
        Route::Repository {
            address: RepositoryAddress::Host("h".to_owned()),
            moment: None,
            resource: Resource::Upload(Some(name()), Some("dev-feature/x".to_owned())),
        }
    );
}

#[test]
fn a_moment_is_a_number_or_a_time() {
    assert_eq!(
        resource("/r/acme/main@17/packages.json").unwrap().1,
        Some(Moment::Revision(17))
    );
    assert_eq!(
        resource("/r/acme/main@2026-11-21/packages.json").unwrap().1,
        Some(Moment::Time(1_795_305_599))
    );
    assert_eq!(
        resource("/r/acme/main@soon/packages.json"),
        Err(NoRoute::NotFound)
    );
}

#[test]
fn what_no_package_is_called_needs_no_look() {
    for path in [
        "/p2/acme/lib.txt",
        "/p2/acme.json",
        "/p2/a b/c.json",
        "/dist/acme/lib/.zip",
        "/r/acme",
        "/robots.txt",
    ] {
        assert_eq!(resource(path), Err(NoRoute::NotFound), "{path}");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_one() {
    assert_eq!(
        parse("POST", "h", "/packages.json"),
        Err(NoRoute::MethodNotAllowed("GET, HEAD"))
    );
    assert_eq!(
        parse("GET", "h", "/hooks/abc"),
        Err(NoRoute::MethodNotAllowed("POST"))
    );
    assert_eq!(
        parse("PATCH", "h", "/api/v1/orgs"),
        Err(NoRoute::MethodNotAllowed("GET, HEAD, POST"))
    );
}
