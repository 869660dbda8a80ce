use lambda_runtime::{Context, LambdaInvocation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Hands one event to `handler` and gives what the runtime API is sent: the request's head and its body. The API answers
/// with `status`.
async fn invoke<H>(handler: &H, event: &'static [u8], status: &str) -> (String, String)
where
    H: AsyncFn(&[u8], u64) -> Result<String, Diagnostic>,
{
    let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", api.local_addr().unwrap()).parse().unwrap();
    let client = Rc::new(PooledClient::builder().with_endpoint(endpoint).build());
    let mut service = BytesService { handler, client };

    let response = http::Response::builder().header(INVOCATION_ID, "7f").body(()).unwrap();
    let mut context = Context::default();
    context.request_id = "3b4a".to_owned();
    context.deadline = 1_768_435_200_000;
    let invocation = LambdaInvocation { parts: response.into_parts().0, body: event.into(), context };
    let (answered, request) = tokio::join!(service.call(invocation), async {
        let (mut connection, _) = api.accept().await.unwrap();
        let mut request = Vec::new();
        loop {
            connection.read_buf(&mut request).await.unwrap();
            let text = String::from_utf8(request.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                connection.write_all(answer.as_bytes()).await.unwrap();
                return (head, body.to_owned());
            }
        }
    });
    answered.unwrap();
    request
}

#[tokio::test]
async fn a_response_goes_back_byte_for_byte_under_the_invocations_ids() {
    let handler = async |event: &[u8], deadline: u64| {
        Ok(format!("{{\"deadline\":{deadline},  \"event\":{}}}", String::from_utf8_lossy(event)))
    };
    let (head, body) = invoke(&handler, b"{ \"n\": 1.50 }", "202 Accepted").await;
    assert!(head.starts_with("post /2018-06-01/runtime/invocation/3b4a/response http/1.1\r\n"), "{head}");
    assert!(head.contains("lambda-runtime-invocation-id: 7f"), "{head}");
    assert_eq!(body, "{\"deadline\":1768435200000,  \"event\":{ \"n\": 1.50 }}");
}

#[tokio::test]
async fn an_error_and_a_panic_become_the_invocations_error() {
    let fails = async |_: &[u8], _: u64| {
        Err(Diagnostic { error_type: "InvalidEvent".to_owned(), error_message: "no \"records\"".to_owned() })
    };
    let (head, body) = invoke(&fails, b"{}", "202 Accepted").await;
    assert!(head.starts_with("post /2018-06-01/runtime/invocation/3b4a/error http/1.1\r\n"), "{head}");
    assert!(head.contains("lambda-runtime-function-error-type: invalidevent"), "{head}");
    assert_eq!(body, r#"{"errorType":"InvalidEvent","errorMessage":"no \"records\""}"#);

    let panics = async |event: &[u8], _: u64| {
        assert!(event.is_empty(), "the customer's name");
        Ok(String::new())
    };
    let (head, body) = invoke(&panics, b"{}", "202 Accepted").await;
    assert!(head.contains("/3b4a/error"), "{head}");
    assert_eq!(body, r#"{"errorType":"Panic","errorMessage":"the handler panicked"}"#);
}

#[tokio::test]
async fn an_answer_that_the_api_refuses_does_not_end_the_runtime() {
    let handler = async |_: &[u8], _: u64| Ok("{}".to_owned());
    let (_, body) = invoke(&handler, b"{}", "413 Payload Too Large").await;
    assert_eq!(body, "{}");
}
