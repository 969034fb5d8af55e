// node provider.mjs REDIRECT_URI... : an identity provider on a free port of this machine. Anybody
// may sign in there, as whoever they say. Prints its issuer.
import http from "node:http";
import Provider from "oidc-provider";

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "sayso",
        client_secret: "a-secret-of-this-test",
        redirect_uris: process.argv.slice(2),
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], profile: ["name", "preferred_username", "groups"] },
    cookies: { keys: ["a key of this test"] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: `${id} of the firm`,
        preferred_username: id,
        groups: id.startsWith("court") ? ["court-staff"] : ["everybody"],
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(`issuer ${issuer}`);
});
