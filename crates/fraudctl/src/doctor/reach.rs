//! What every call needs: a region and credentials.

use aws_calls::sdk::Sdk;

use super::finding::Finding;
use crate::aws;

pub(super) async fn check(sdk: &Sdk) -> Vec<Finding> {
    let region = aws::region(sdk).await.map_err(Into::into);
    let credentials = aws::credentials(sdk).await.map(|()| "found".to_owned()).map_err(Into::into);
    vec![Finding::of("region", "", region), Finding::of("credentials", "", credentials)]
}
