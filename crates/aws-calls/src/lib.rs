//! What every call to AWS needs: the SDK's settings, what a failed call means, pauses between attempts, and the schemas
//! of tables. Knows nothing of fraud.

pub mod fault;
pub mod pauses;
pub mod sdk;
pub mod table;
