//! What comes by itself, and has to be waited for: an affiliate that the conversions hear of, a commission.

use anyhow::Result;
use serde_json::Value;
use tokio::time::{self, Instant};

use super::super::apis::{Api, Apis, LOOK_EVERY, PATIENCE};

/// Records a conversion, also of an affiliate that was registered just now: the API waits two seconds for who is not
/// known yet, which on a busy machine may be too short.
pub(super) async fn recorded(apis: &Apis, body: &Value) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let answered = apis.post(Api::Conversions, "/api/v1/conversiones", body).await?;
        let is_unknown = answered.status == 422 && answered.body["errors"][0]["pointer"] == "/afiliado_id";
        if !is_unknown || begun.elapsed() > PATIENCE {
            return answered.expect(&[200, 201]);
        }
        time::sleep(LOOK_EVERY).await;
    }
}

/// The commission of a conversion, which its event brings about.
pub(super) async fn commission_of(apis: &Apis, conversion: &str) -> Result<Value> {
    let path = format!("/api/v1/comisiones?conversion_id={conversion}");
    let what = format!("the commission of {conversion}");
    let list = apis.until(Api::Commissions, &path, &what, |it| it.body["items"][0]["id"].is_string()).await?;
    Ok(list["items"][0].clone())
}
