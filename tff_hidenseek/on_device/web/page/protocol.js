// The requests of docs/on_device.md, for one client.  Every request may be sent
// again, so each is repeated, ever more slowly, until there is an answer.

export const VERSION = 1;
const PREFIX = `/v${VERSION}`;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5000;
const BUSY = 429;
const IS_OVER = 410;
const SECRET_BYTES = 32;

/** A request that the server does not carry out; the message is its sentence. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export class Connection {
  /** `tellTrouble` is told in a sentence while the server does not answer. */
  constructor(tellTrouble) {
    this.tellTrouble = tellTrouble;
    this.headers = {};
    this.bytesUp = 0;
    this.bytesDown = 0;
  }

  /** Returns what the federation is. */
  async describe() {
    const {body} = await this.request('GET', '/federation');
    const description = readJson(body);
    if (description.version !== VERSION) {
      throw new Error(
          `This page speaks version ${VERSION} of the protocol and the server ` +
          `version ${description.version}: open the page that the server has.`);
    }
    if (description.secure_aggregation) {
      throw new Error(
          'This federation masks its votes, which a page cannot do yet.');
    }
    return description;
  }

  /** Enrols the client of a secret, or finds that it is; returns its number. */
  async enrol(token, secret) {
    const {body} = await this.request(
        'POST', '/clients', {Authorization: `Bearer ${token}`}, secret);
    return readJson(body).client;
  }

  /** Makes all requests from now on those of a client. */
  identify(secret, model) {
    const text = btoa(String.fromCharCode(...secret));
    const bearer = text.replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
    this.headers = {
      'Authorization': `Bearer ${bearer}`,
      'HideNseek-Model': model,
    };
  }

  async fetchModel() {
    return (await this.request('GET', '/model')).body;
  }

  /** Returns the shard of examples that this client is given, as bytes. */
  async fetchExamples() {
    return (await this.request('GET', '/examples')).body;
  }

  async fetchFirstLayer() {
    return readJson((await this.request('GET', '/first_layer')).body);
  }

  /** Returns the exported file of a flavour, and where its signs are. */
  async fetchOwnFile(flavour) {
    return (await this.request('GET', `/own_files/${flavour}`)).body;
  }

  /** Waits for the first round after another; `null` if all are over. */
  async nextRound(after) {
    for (;;) {
      try {
        const {status, headers, body} =
            await this.request('GET', `/rounds/next?after=${after}`);
        if (status === 200) {
          return {number: Number(headers.get('HideNseek-Round')), tally: body};
        }
      } catch (error) {
        if (error.status === IS_OVER) return null;
        throw error;
      }
    }
  }

  async vote(round, votes) {
    await this.request('PUT', `/rounds/${round}/vote`, {}, votes);
  }

  /** Sends a request until it is answered; throws a `Refusal` if refused. */
  async request(method, path, headers = {}, body = undefined) {
    let wait = FIRST_WAIT_MS;
    for (;;) {
      let trouble;
      try {
        const response = await fetch(PREFIX + path, {
          method, body, headers: {...this.headers, ...headers},
          cache: 'no-store', credentials: 'omit',
        });
        const content = new Uint8Array(await response.arrayBuffer());
        this.bytesUp += body?.length ?? 0;
        this.bytesDown +=
            Number(response.headers.get('Content-Length')) || content.length;
        const {status} = response;
        if (response.ok) {
          this.tellTrouble('');
          return {status, headers: response.headers, body: content};
        }
        trouble = new TextDecoder().decode(content).trim();
        if (status < 500 && status !== BUSY) throw new Refusal(status, trouble);
      } catch (error) {
        if (error instanceof Refusal) throw error;
        trouble ??= 'The server does not answer';
      }
      this.tellTrouble(`${trouble.replace(/\.$/, '')}: trying again.`);
      // Not all at once, when a server that was away is back.
      const pause = wait * (0.5 + 0.5 * Math.random());
      await new Promise((resolve) => setTimeout(resolve, pause));
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    }
  }
}

export function drawSecret() {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** Returns the SHA-256 of bytes, in hexadecimal. */
export async function digest(content) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  return [...hash].map((b) => b.toString(16).padStart(2, '0')).join('');
}

function readJson(content) {
  return JSON.parse(new TextDecoder().decode(content));
}
