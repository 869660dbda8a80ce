use std::time::Duration;

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, Service, ServiceError, When};
use fraud_core::policy::Policy;
use tokio::time::Instant;

use super::*;
use crate::config::{PolicySource, PolicySources};
use crate::testing::soon;

const TABLE: &str = "policies";

async fn start() -> (EmbeddedAws, Client, PolicyStore) {
    let aws =
        EmbeddedAws::builder().services([Service::DynamoDb]).table(TABLE, "policy_id").start().await.unwrap();
    let client = Client::new(&crate::testing::for_embedded(&aws, Service::DynamoDb).await);
    let store = PolicyStore::new(client.clone(), TABLE);
    (aws, client, store)
}

async fn sdk(aws: &EmbeddedAws) -> Sdk {
    Sdk::at(aws.endpoint(Service::DynamoDb).unwrap(), embedded_aws::REGION).await
}

const TEXT: &str = include_str!("../../../fraud-core/policies/default.toml");

fn id() -> String {
    Policy::parse(TEXT).unwrap().id().to_owned()
}

fn published(by: &str) -> PublishedPolicy {
    PublishedPolicy {
        policy_id: id(),
        text: TEXT.to_owned(),
        canonical: "canonical".to_owned(),
        published_at: "2024-01-15T03:00:00Z".to_owned(),
        published_by: by.to_owned(),
        compared: Some("{}".to_owned()),
    }
}

fn source(id: &str) -> PolicySource {
    PolicySource::Store { id: id.to_owned(), table: TABLE.to_owned() }
}

#[tokio::test]
async fn a_policy_is_published_once_and_never_changed() {
    let (_aws, client, store) = start().await;
    assert_eq!(store.publish(&published("ana"), soon()).await, Ok(Publication::New));
    let row = client.scan().table_name(TABLE).send().await.unwrap().items.unwrap().remove(0);
    crate::testing::assert_is_a_row_of(table::TABLE, &row);
    let again = store.publish(&published("ben"), soon()).await;
    assert_eq!(again, Ok(Publication::Before(Box::new(published("ana")))));
    assert_eq!(store.get(&id(), soon()).await, Ok(Some(published("ana"))));
    assert_eq!(store.page(None, soon()).await, Ok((vec![published("ana")], None)));
    assert_eq!(store.get("default@0", soon()).await, Ok(None));
}

#[tokio::test]
async fn a_publication_whose_answer_is_lost_is_told_as_new() {
    let (aws, _client, store) = start().await;
    aws.faults().add(When::calls(Service::DynamoDb, "PutItem").next(1), Fault::CutAnswer).unwrap();
    assert_eq!(store.publish(&published("ana"), soon()).await, Ok(Publication::New));
}

#[tokio::test]
async fn a_published_policy_is_loaded_by_its_id_with_the_calls_of_the_port() {
    let (aws, _client, store) = start().await;
    store.publish(&published("ana"), soon()).await.unwrap();
    aws.calls().clear();
    let policy = source(&id()).load(&sdk(&aws).await).await.unwrap();
    assert_eq!(policy, Policy::builtin_default().unwrap());
    crate::testing::assert_calls_are_those_of(PORT, &aws);
}

/// The line that the start stops with.
async fn refusal(aws: &EmbeddedAws, source: PolicySource) -> String {
    let line = source.load(&sdk(aws).await).await.unwrap_err().to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

#[tokio::test]
async fn a_store_without_the_policy_stops_the_start_with_one_line_and_no_other_policy_is_taken() {
    let (aws, client, store) = start().await;
    store.publish(&published("ana"), soon()).await.unwrap();
    assert!(refusal(&aws, source("night@1")).await.starts_with(
        "FRAUD_POLICY: store:night@1 is not in the table policies (POLICY_STORE); publish it with fraudctl policy publish"
    ));
    let elsewhere = PolicySource::Store { id: id(), table: "no_such_table".to_owned() };
    assert!(
        refusal(&aws, elsewhere)
            .await
            .contains("the table no_such_table (POLICY_STORE): ResourceNotFoundException")
    );

    let put = |id: &str, text: &str| {
        let row = PublishedPolicy { policy_id: id.to_owned(), text: text.to_owned(), ..published("ana") };
        let store = store.clone();
        async move { store.publish(&row, soon()).await.unwrap() }
    };
    put("night@1", TEXT).await;
    let other = refusal(&aws, source("night@1")).await;
    assert!(
        other.contains(&format!(
            "the text of store:night@1 in the table policies (POLICY_STORE) is that of {}",
            id()
        )),
        "{other}"
    );
    put("night@2", "name = 7").await;
    assert!(refusal(&aws, source("night@2")).await.starts_with("FRAUD_POLICY: store:night@2: "));
    let bare = client.put_item().table_name(TABLE).item("policy_id", AttributeValue::S("night@3".to_owned()));
    bare.send().await.unwrap();
    assert!(refusal(&aws, source("night@3")).await.contains("it has no text `text`"));

    let denied = ServiceError::new(400, "AccessDeniedException", "no");
    aws.faults().add(When::calls(Service::DynamoDb, "GetItem"), Fault::Error(denied)).unwrap();
    assert!(refusal(&aws, source(&id())).await.contains("AccessDenied"));
}

#[tokio::test]
async fn a_store_that_does_not_answer_stops_the_start_by_the_deadline() {
    let (aws, _client, store) = start().await;
    store.publish(&published("ana"), soon()).await.unwrap();
    aws.faults().add(When::calls(Service::DynamoDb, "GetItem"), Fault::Hang).unwrap();
    let start = Instant::now();
    let error =
        source(&id()).load_by(start + Duration::from_millis(500), &sdk(&aws).await).await.unwrap_err();
    assert!(error.to_string().contains("(POLICY_STORE): no answer in time"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3) && LOAD_TIME <= Duration::from_secs(5));
}

#[tokio::test]
async fn a_policy_file_that_cannot_be_used_is_told_with_path_and_line() {
    let sdk = Sdk::new();
    let missing = PolicySource::File { path: "no/such.toml".into() }.load(&sdk).await.unwrap_err();
    assert!(missing.to_string().starts_with("FRAUD_POLICY: cannot read no/such.toml: "), "{missing}");
    let file = std::env::temp_dir().join(format!("fraud-aws-policy-{}.toml", std::process::id()));
    std::fs::write(&file, "name = \"p\"\ncap = -1\n").unwrap();
    let invalid = PolicySource::File { path: file.clone() }.load(&sdk).await.unwrap_err();
    std::fs::remove_file(&file).unwrap();
    assert!(invalid.to_string().contains("policy line "), "{invalid}");
    assert!(PolicySource::BuiltinDefault.load(&sdk).await.is_ok());
}

#[tokio::test]
async fn a_policy_in_the_shadow_is_loaded_beside_the_active_one_and_its_faults_name_its_variable() {
    let (aws, _client, store) = start().await;
    store.publish(&published("ana"), soon()).await.unwrap();
    let sdk = sdk(&aws).await;
    let load = async |shadow| {
        PolicySources { active: PolicySource::BuiltinDefault, shadow }
            .load(&sdk)
            .await
            .map_err(|error| error.to_string())
    };
    let policies = load(Some(source(&id()))).await.unwrap();
    assert_eq!(policies.shadow().unwrap().id(), id());
    assert_eq!(policies.active(), &Policy::builtin_default().unwrap());
    assert_eq!(load(None).await.unwrap().shadow(), None);
    let missing = load(Some(source("night@1"))).await.unwrap_err();
    assert!(missing.starts_with("SHADOW_POLICY: store:night@1 is not in the table policies"), "{missing}");

    let file = |name: &str, ratio: u8| {
        let path = std::env::temp_dir().join(format!("fraud-aws-{name}-{}.toml", std::process::id()));
        let text = format!(
            "name = \"{name}\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n[history]\nprior_mean_amount = 50\n\
             outlier_ratio = {ratio}\n[[factors]]\nname = \"a\"\ninput = \"amount\"\nweight = 1\n"
        );
        std::fs::write(&path, text).unwrap();
        PolicySource::File { path }
    };
    let sources = PolicySources { active: file("one", 2), shadow: Some(file("two", 3)) };
    let refused = sources.load(&sdk).await.unwrap_err().to_string();
    for source in [Some(sources.active), sources.shadow] {
        if let Some(PolicySource::File { path }) = source {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert!(refused.starts_with("SHADOW_POLICY: the policies one@"), "{refused}");
    assert!(refused.contains("outlier_ratio 2 and 3"), "{refused}");
}
