//! Requests and answers as AWS's protocols write them.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::service::ServiceError;

/// An answer's body: boxed, so that a service can stream one.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An answer to a request.
pub(crate) type HttpResponse = Response<Body>;

/// A request whose body has arrived in full.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) operation: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The content type of AWS JSON 1.0.
pub(crate) const AMZ_JSON_1_0: &str = "application/x-amz-json-1.0";

/// The content type of AWS JSON 1.1.
pub(crate) const AMZ_JSON_1_1: &str = "application/x-amz-json-1.1";

/// A body that is known in full.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed_unsync()
}

/// The whole of a body that a service wrote.
pub(crate) async fn collected(body: Body) -> Bytes {
    match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    }
}

/// The answer without the second half of its document.
pub(crate) async fn first_half(answer: HttpResponse) -> HttpResponse {
    let (mut parts, body) = answer.into_parts();
    // What they say of the whole document is not true of its half.
    for of_the_whole in ["content-length", "x-amz-crc32"] {
        parts.headers.remove(of_the_whole);
    }
    let body = collected(body).await;
    Response::from_parts(parts, full(body.slice(..body.len() / 2)))
}

/// An answer with a body that is known in full, under an id of its own.
pub(crate) fn answer(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> HttpResponse {
    let mut answer = Response::new(full(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = answer.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(&new_id()) {
        headers.insert("x-amzn-requestid", id);
    }
    answer
}

/// An error in AWS JSON: the code is in `__type` after the service's namespace.
pub(crate) fn json_error(error: &ServiceError, namespace: &str) -> HttpResponse {
    let body = json!({ "__type": format!("{namespace}#{}", error.code), "message": error.message });
    answer(error.status, AMZ_JSON_1_0, body.to_string())
}

/// An error in AWS JSON 1.1, whose services write no namespace before the code.
pub(crate) fn json_1_1_error(error: &ServiceError) -> HttpResponse {
    let body = json!({ "__type": error.code, "message": error.message });
    answer(error.status, AMZ_JSON_1_1, body.to_string())
}

/// An error in AWS JSON of a service that once spoke Query: the old code is in a header, and clients that know
/// of it read it there.
pub(crate) fn query_compatible_json_error(error: &ServiceError, namespace: &str) -> HttpResponse {
    let shape = match error.code.strip_prefix("AWS.SimpleQueueService.") {
        Some("NonExistentQueue") => "QueueDoesNotExist",
        Some(shape) => shape,
        None if error.code == "QueueAlreadyExists" => "QueueNameExists",
        None => &error.code,
    };
    let shaped = ServiceError { code: shape.to_owned(), ..error.clone() };
    let mut answer = json_error(&shaped, namespace);
    if let Ok(value) = HeaderValue::from_str(&format!("{};{}", error.code, error.fault())) {
        answer.headers_mut().insert("x-amzn-query-error", value);
    }
    answer
}

/// An error in AWS Query's XML.
pub(crate) fn query_error(error: &ServiceError) -> HttpResponse {
    let body = format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{}</Type>\
         <Code>{}</Code><Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
        error.fault(),
        escape_xml(&error.code),
        escape_xml(&error.message),
        new_id(),
    );
    answer(error.status, "text/xml", body)
}

/// A success in AWS Query's XML that says nothing.
pub(crate) fn empty_query_answer(operation: &str) -> HttpResponse {
    let name = escape_xml(operation);
    let body = format!(
        "<{name}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{name}Result></{name}Result>\
         <ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{name}Response>",
        new_id(),
    );
    answer(200, "text/xml", body)
}

/// Text as XML character data. What XML 1.0 cannot hold is replaced: an answer must always parse.
pub(crate) fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#xD;"),
            '\t' | '\n' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => escaped.push(c),
            _ => escaped.push('\u{FFFD}'),
        }
    }
    escaped
}

/// One parameter of an AWS Query request: of a form whose names and values are percent-encoded.
pub(crate) fn query_parameter(body: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// An id in the form of a UUID, never given twice in one process.
pub(crate) fn new_id() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("00000000-0000-4000-8000-{count:012x}")
}
