/** The `iss` of the gateway's own access tokens. */
export const ownIssuer = "inventory-gateway";
