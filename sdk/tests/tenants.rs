//! Tenants and what is set for them.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use scriptmill_sdk::{Tenant, Tenants};

#[test]
fn a_tenant_is_dotted_lower_case_domains() {
    let long = "a".repeat(200);
    for good in ["a", "acme", "acme.sales", "acme.sales.eu-1_b", "7.-._", &long] {
        let tenant: Tenant = good.parse().unwrap();
        assert_eq!((tenant.as_str(), tenant.to_string().as_str()), (good, good));
        assert_eq!(serde_json::to_string(&tenant).unwrap(), format!("{good:?}"));
    }
    let longer = "a".repeat(201);
    for wrong in ["", ".", "acme.", ".acme", "acme..sales", "Acme", "acme sales", "acme.*", "*", "#", "größe", &longer]
    {
        assert!(wrong.parse::<Tenant>().is_err(), "{wrong}");
        assert!(serde_json::from_str::<Tenant>(&format!("{wrong:?}")).is_err(), "{wrong}");
    }
}

#[test]
fn a_table_by_tenant_round_trips_and_a_wrong_key_is_named() {
    let text = r#"{"acme":1,"acme.sales":2,"zeta":3,"*":0}"#;
    let tenants: Tenants<u32> = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&tenants).unwrap(), text);
    let set: Vec<_> = tenants.iter().map(|(tenant, value)| (tenant.as_str(), *value)).collect();
    assert_eq!(
        (set.as_slice(), tenants.others()),
        ([("acme", 1), ("acme.sales", 2), ("zeta", 3)].as_slice(), Some(&0))
    );
    for (wrong, named) in [
        (r#"{"Acme":1}"#, r#"the key "Acme" must be dotted domains"#),
        (r#"{"acme.*":1}"#, r#"the key "acme.*" must be dotted domains"#),
        (r#"{"":1}"#, r#"the key "" must be dotted domains"#),
        (r#"{"a":1,"a":1}"#, r#"the key "a" is there twice"#),
        (r#"{"*":1,"*":1}"#, r#"the key "*" is there twice"#),
        (r#"{"a":"x"}"#, "invalid type: string"),
        (r"[]", "a table by tenant"),
    ] {
        let error = serde_json::from_str::<Tenants<u32>>(wrong).unwrap_err().to_string();
        assert!(error.contains(named), "{wrong}: {error}");
    }
}

/// Few names, so that one is often part of another.
fn tenant() -> impl Strategy<Value = Tenant> {
    prop::collection::vec("[ab]{1,2}", 1..5).prop_map(|domains| domains.join(".").parse().unwrap())
}

/// The value that is set for the longest tenant that is this one or a wider one.
fn longest<'a>(set: &'a [(Tenant, u32)], tenant: &Tenant) -> Option<&'a u32> {
    let holds =
        |(wider, _): &&(Tenant, u32)| tenant == wider || tenant.as_str().starts_with(&format!("{}.", wider.as_str()));
    // If a tenant is set twice, the last value applies.
    set.iter().filter(holds).max_by_key(|(wider, _)| wider.as_str().len()).map(|(_, value)| value)
}

proptest! {
    #[test]
    fn the_longest_prefix_decides(
        set in prop::collection::vec((tenant(), any::<u32>()), 0..20),
        others in any::<Option<u32>>(),
        asked in prop::collection::vec(tenant(), 1..20),
    ) {
        let mut tenants = Tenants::new();
        for (tenant, value) in &set {
            tenants.insert(tenant.clone(), *value);
        }
        if let Some(value) = others {
            tenants.insert_others(value);
        }
        for tenant in &asked {
            prop_assert_eq!(tenants.get(tenant), longest(&set, tenant).or(others.as_ref()), "{}", tenant);
        }
        let again: Tenants<u32> = serde_json::from_str(&serde_json::to_string(&tenants).unwrap()).unwrap();
        prop_assert_eq!(again, tenants);
    }

    #[test]
    fn a_text_is_a_tenant_if_each_of_its_domains_is_one(text in "[a-z.A0-9_ -]{0,12}") {
        let domains: Vec<&str> = text.split('.').collect();
        let letters = "abcdefghijklmnopqrstuvwxyz0123456789-_";
        let expected = domains.iter().all(|domain| !domain.is_empty() && domain.chars().all(|c| letters.contains(c)));
        prop_assert_eq!(text.parse::<Tenant>().is_ok(), expected);
    }
}
