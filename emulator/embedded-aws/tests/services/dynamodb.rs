//! DynamoDB, as the unmodified SDK sees it.

use std::collections::HashMap;
use std::error::Error;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, KeysAndAttributes,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
};
use embedded_aws::{EmbeddedAws, Service, StartError, TableDefinition};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn put(client: &Client, id: &str) {
    client.put_item().table_name("profiles").item("id", text(id)).send().await.unwrap();
}

async fn batch_get(client: &Client, ids: &[String]) -> BatchGetItemOutput {
    let keys = ids.iter().map(|id| HashMap::from([("id".to_owned(), text(id))])).collect();
    let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();
    client.batch_get_item().request_items("profiles", keys).send().await.unwrap()
}

#[tokio::test]
async fn a_table_is_created_and_its_items_are_read_back() -> Result<(), Box<dyn Error>> {
    let aws = EmbeddedAws::builder().start().await?;
    let client = crate::support::dynamodb(&aws);
    client
        .create_table()
        .table_name("profiles")
        .key_schema(KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build()?)
        .attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name("id")
                .attribute_type(ScalarAttributeType::S)
                .build()?,
        )
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await?;
    put(&client, "a").await;

    let found = client.get_item().table_name("profiles").key("id", text("a")).send().await?;

    assert_eq!(found.item(), Some(&HashMap::from([("id".to_owned(), text("a"))])));
    aws.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_table_of_the_builder_has_its_partition_and_its_sort_key() -> Result<(), Box<dyn Error>> {
    let table = TableDefinition::new("windows", "customer", embedded_aws::KeyType::String)
        .sort_key("start", embedded_aws::KeyType::Number);
    let aws = EmbeddedAws::builder().table_definition(table).start().await?;
    let client = crate::support::dynamodb(&aws);
    for start in ["300", "600"] {
        client
            .put_item()
            .table_name("windows")
            .item("customer", text("c"))
            .item("start", AttributeValue::N(start.to_owned()))
            .send()
            .await?;
    }

    let rows = client
        .query()
        .table_name("windows")
        .key_condition_expression("customer = :c")
        .expression_attribute_values(":c", text("c"))
        .send()
        .await?;

    assert_eq!(rows.count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_table_of_the_builder_is_described_with_its_time_to_live() -> Result<(), Box<dyn Error>> {
    let endless = TableDefinition::new("endless", "id", embedded_aws::KeyType::String);
    let expiring =
        TableDefinition::new("expiring", "id", embedded_aws::KeyType::String).time_to_live("until");
    let aws = EmbeddedAws::builder().table_definition(endless).table_definition(expiring).start().await?;
    let client = crate::support::dynamodb(&aws);
    for (table, attribute, status) in [("endless", None, "DISABLED"), ("expiring", Some("until"), "ENABLED")]
    {
        let answer = client.describe_time_to_live().table_name(table).send().await?;
        let found = answer.time_to_live_description().ok_or("no description")?;
        assert_eq!(found.attribute_name(), attribute);
        assert_eq!(found.time_to_live_status().map(|status| status.as_str()), Some(status));
    }
    aws.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_conditional_put_that_fails_returns_the_item_in_its_way() -> Result<(), Box<dyn Error>> {
    let aws = EmbeddedAws::builder().table("profiles", "id").start().await?;
    let client = crate::support::dynamodb(&aws);
    client
        .put_item()
        .table_name("profiles")
        .item("id", text("a"))
        .item("owner", text("first"))
        .send()
        .await?;

    let refused = client
        .put_item()
        .table_name("profiles")
        .item("id", text("a"))
        .item("owner", text("second"))
        .condition_expression("attribute_not_exists(id)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;

    let Err(SdkError::ServiceError(error)) = refused else { panic!("{refused:?}") };
    let PutItemError::ConditionalCheckFailedException(error) = error.err() else { panic!("{error:?}") };
    assert_eq!(error.item().unwrap()["owner"], text("first"));
    Ok(())
}

#[tokio::test]
async fn batch_get_item_finds_what_is_there_and_leaves_out_what_is_not() -> Result<(), Box<dyn Error>> {
    let aws = EmbeddedAws::builder().table("profiles", "id").start().await?;
    let client = crate::support::dynamodb(&aws);
    put(&client, "a").await;

    let found = batch_get(&client, &["a".to_owned(), "b".to_owned()]).await;

    assert_eq!(found.responses().unwrap()["profiles"].len(), 1);
    assert!(found.unprocessed_keys().is_none_or(HashMap::is_empty));
    Ok(())
}

#[tokio::test]
async fn the_environment_names_the_endpoint_the_region_and_credentials() -> Result<(), Box<dyn Error>> {
    let aws = EmbeddedAws::builder().start().await?;

    let env: HashMap<_, _> = aws.env().into_iter().collect();

    assert_eq!(env["AWS_ENDPOINT_URL_DYNAMODB"], aws.endpoint(Service::DynamoDb).unwrap());
    assert_eq!(env["AWS_REGION"], embedded_aws::REGION);
    assert_eq!(env["AWS_DEFAULT_REGION"], embedded_aws::REGION);
    assert!(!env["AWS_ACCESS_KEY_ID"].is_empty() && !env["AWS_SECRET_ACCESS_KEY"].is_empty());
    Ok(())
}

#[tokio::test]
async fn a_service_that_was_not_wanted_has_no_endpoint() -> Result<(), Box<dyn Error>> {
    let aws = EmbeddedAws::builder().services([]).start().await?;

    assert_eq!(aws.endpoint(Service::DynamoDb), None);
    assert!(aws.env().iter().all(|(name, _)| !name.starts_with("AWS_ENDPOINT_URL")));
    Ok(())
}

#[tokio::test]
async fn ports_that_were_ordered_are_those_of_the_services_and_one_that_is_taken_is_named()
-> Result<(), Box<dyn Error>> {
    let port = |aws: &EmbeddedAws, service| -> u16 {
        let endpoint = aws.endpoint(service).unwrap();
        endpoint.rsplit_once(':').unwrap().1.parse().unwrap()
    };
    // Five free ports in a row are found by trying.
    let mut from = 20_000..60_000;
    let (first, aws) = loop {
        let first = from.next().unwrap();
        match EmbeddedAws::builder().first_port(first).start().await {
            Ok(aws) => break (first, aws),
            Err(StartError::Port { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let ports: Vec<u16> = Service::ALL.iter().map(|service| port(&aws, *service)).collect();
    assert_eq!(ports, (first..first + 5).collect::<Vec<u16>>());

    let taken = EmbeddedAws::builder().first_port(first).start().await.unwrap_err();
    assert!(
        taken.to_string().starts_with(&format!("cannot listen on 127.0.0.1:{first} for dynamodb: ")),
        "{taken}"
    );
    let beyond = EmbeddedAws::builder().first_port(65_532).start().await.unwrap_err();
    assert!(matches!(beyond, StartError::NoPorts(65_532) | StartError::Port { .. }), "{beyond}");
    Ok(())
}

#[tokio::test]
async fn after_shutdown_nobody_listens() -> Result<(), Box<dyn Error>> {
    let aws = EmbeddedAws::builder().start().await?;
    let address = aws.endpoint(Service::DynamoDb).unwrap().strip_prefix("http://").unwrap().to_owned();
    tokio::net::TcpStream::connect(&address).await?;

    aws.shutdown().await;

    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
    Ok(())
}
