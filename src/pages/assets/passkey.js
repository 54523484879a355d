// Signs in with a passkey, or registers one (WebAuthn Level 3). Without it, or without passkeys, the pages work as
// they are.
"use strict";
(() => {
  const box = document.getElementById("passkey");
  if (!box || !window.PublicKeyCredential || !navigator.credentials) return;
  const button = document.getElementById("passkey-button");
  const failure = document.getElementById("passkey-error");
  const name = document.getElementById("passkey-name");
  const creates = box.dataset.ceremony === "create";
  // While the sign-in page offers passkeys among the names to fill in, this ends the offer.
  let offer = null;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => {
    if (!buffer) return null;
    const plain = String.fromCharCode(...new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  const post = async (address, body) => {
    const answer = await fetch(address, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json", "x-csrf-token": box.dataset.csrf },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok && told.location) {
      location.assign(told.location);
      return new Promise(() => {});
    }
    if (!answer.ok) throw new Error(told.detail || "refused");
    return told;
  };

  const options = (publicKey) => {
    const known = (list) => (list || []).map((item) => ({ ...item, id: bytes(item.id) }));
    const read = { ...publicKey, challenge: bytes(publicKey.challenge) };
    if (creates) {
      read.user = { ...publicKey.user, id: bytes(publicKey.user.id) };
      read.excludeCredentials = known(publicKey.excludeCredentials);
    } else {
      read.allowCredentials = known(publicKey.allowCredentials);
    }
    return read;
  };

  const written = (credential) => {
    const from = credential.response;
    const response = { clientDataJSON: text(from.clientDataJSON) };
    if (creates) {
      response.attestationObject = text(from.attestationObject);
    } else {
      response.authenticatorData = text(from.authenticatorData);
      response.signature = text(from.signature);
      response.userHandle = text(from.userHandle);
    }
    return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
  };

  const ceremony = async (mediation) => {
    const begun = await post(box.dataset.options, {});
    const publicKey = options(begun.publicKey);
    let credential;
    if (creates) {
      credential = await navigator.credentials.create({ publicKey });
    } else if (mediation) {
      offer = new AbortController();
      // What was asked for expires; a page that stays open asks again.
      const again = setTimeout(() => {
        offer.abort();
        offerPasskeys();
      }, 240000);
      try {
        credential = await navigator.credentials.get({ publicKey, mediation, signal: offer.signal });
      } finally {
        clearTimeout(again);
      }
    } else {
      credential = await navigator.credentials.get({ publicKey });
    }
    const told = await post(box.dataset.finish, {
      state: begun.state,
      credential: written(credential),
      ...(name && { name: name.value }),
    });
    if (told.codes) {
      const form = document.getElementById("passkey-codes");
      form.elements.codes.value = told.codes;
      form.submit();
    } else {
      location.assign(told.location);
    }
  };

  const offerPasskeys = () => ceremony("conditional").catch((error) => {
    // Ended by us, by the person, or not possible just now: the form is still there.
    if (error.name !== "AbortError" && error.name !== "NotAllowedError") failure.hidden = false;
  });

  button.addEventListener("click", async () => {
    if (offer) offer.abort();
    failure.hidden = true;
    button.disabled = true;
    try {
      await ceremony();
    } catch (error) {
      failure.hidden = false;
    }
    button.disabled = false;
  });
  box.hidden = false;

  const username = document.getElementById("username");
  if (!creates && username && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then((can) => can && offerPasskeys());
  }
})();
