// Passkeys: asks the device for what a form wants, puts the answer into its fields and sends it.

const bytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
};
const text = (buffer) => {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
const words = (list) => list.split(" ").filter((word) => word !== "");

// Signing in: whichever passkey for this site somebody has.
async function get({ site, challenge }) {
  const publicKey = {
    challenge: bytes(challenge),
    rpId: site,
    userVerification: "required",
    timeout: 300000,
  };
  const { rawId, response } = await navigator.credentials.get({ publicKey });
  return {
    credential: rawId,
    user: response.userHandle ?? new ArrayBuffer(0),
    client: response.clientDataJSON,
    authenticator: response.authenticatorData,
    signature: response.signature,
  };
}

// A key that the device can find by itself, and makes sure of who uses it.
async function create({ site, challenge, algorithms, user, email, name, known }) {
  const publicKey = {
    challenge: bytes(challenge),
    rp: { id: site, name: site },
    user: { id: bytes(user), name: email, displayName: name },
    pubKeyCredParams: words(algorithms).map((alg) => ({ type: "public-key", alg: Number(alg) })),
    excludeCredentials: words(known).map((id) => ({ type: "public-key", id: bytes(id) })),
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    attestation: "none",
    timeout: 300000,
  };
  const { response } = await navigator.credentials.create({ publicKey });
  return { client: response.clientDataJSON, attestation: response.attestationObject };
}

const told = {
  InvalidStateError: "This device has a passkey for you already.",
  NotAllowedError: "It was cancelled, or took too long. Try again.",
  SecurityError: "Passkeys work at this instance's own address alone.",
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button");
  const problem = form.querySelector("[role=alert]");
  const tell = (message) => {
    problem.textContent = message;
    problem.hidden = false;
  };
  if (!window.PublicKeyCredential) {
    tell("This browser knows no passkeys here: they need https.");
    continue;
  }
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    try {
      const answer = await (form.dataset.passkey === "get" ? get : create)(form.dataset);
      for (const [field, value] of Object.entries(answer)) form.elements[field].value = text(value);
      form.submit();
    } catch (error) {
      tell(told[error.name] ?? "The device did not answer as it should. Try again.");
      button.disabled = false;
      delete form.dataset.sent;
    }
  });
}
