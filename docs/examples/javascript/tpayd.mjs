// A client of the POS protocol (docs/pos-protocol.md) in one file: one DEALER socket, one frame per message.

import { randomBytes } from "node:crypto"
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { decode, encode } from "@msgpack/msgpack"
import * as zmq from "zeromq"

const PROTOCOL = "tpayd1"
const CONTRACT = "1.0"
const Kind = { HELLO: 1, REQ: 2, PROGRESS: 3, REPLY: 4, ERROR: 5, CANCEL: 6, PING: 7, PONG: 8 }

const PING_AFTER_MS = 2_000 // silence, while an answer is awaited, after which the gateway is asked for a sign of life
const LOST_AFTER_MS = 6_000 // silence after which it is taken for lost
const ANSWER_GRACE_MS = 2_000 // how much later than its time to live an answer may come

/** What went wrong. Act on `outcome`: not_started, failed, or unknown (ask for the status, never send again). */
export class TpaydError extends Error {
  constructor({ code, message, outcome, retryable = false, field = null, retry_after_ms = 250 }) {
    super(`${code}: ${message}`)
    Object.assign(this, { code, outcome, retryable, field, retryAfterMs: retry_after_ms })
  }
}

const lost = why => new TpaydError({ code: "peer_lost", message: why, outcome: "unknown" })
const notSent = why => new TpaydError({ code: "unavailable", message: why, outcome: "not_started", retryable: true })

/** One conversation with the gateway. After a loss it is opened anew by the next request. */
export class Gateway {
  /** `keyFile` as `tpayd client add` wrote it; or, on the store's own machine, `endpoint` (ipc) and `client`. */
  constructor({ keyFile, endpoint, client }) {
    this.key = keyFile ? JSON.parse(readFileSync(keyFile, "utf8")) : { endpoint, client }
    this.lastId = 0
    this.open = new Map() // id → { resolve, reject, onProgress, timer }
    this.socket = null
    this.session = null
    this.greeting = null // one HELLO for all requests that wait for it
    this.sending = Promise.resolve()
  }

  /** Sends a request and resolves with the reply's body. Rejects with TpaydError. */
  async request(op, body, { key = null, ttlMs = 10_000, onProgress } = {}) {
    if (this.session === null) await (this.greeting ??= this.#greet().finally(() => (this.greeting = null)))
    return this.#exchange(Kind.REQ, op, body, { key, ttlMs, onProgress })
  }

  close() {
    this.#drop(this.socket, lost("this client was closed"))
  }

  async #greet() {
    this.close()
    this.#connect()
    try {
      const welcome = await this.#exchange(Kind.HELLO, "", { client: this.key.client, contract: CONTRACT }, { ttlMs: 5_000 })
      this.session = welcome.session
      return welcome
    } catch (error) {
      this.close()
      if (error.outcome !== "unknown") throw error
      throw notSent(`no gateway answers at ${this.key.endpoint}`) // HELLO has no effect, so nothing has happened
    }
  }

  #connect() {
    const socket = new zmq.Dealer({
      immediate: true, // without a connection a send waits here, and sendTimeout ends it: nothing is delivered later
      linger: 0,
      sendTimeout: 5_000,
      sendHighWaterMark: 100,
      receiveHighWaterMark: 100,
      heartbeatInterval: 2_000,
      heartbeatTimeout: 6_000,
      heartbeatTimeToLive: 6_000,
      ...(this.key.server_public_key && {
        curveServerKey: this.key.server_public_key,
        curvePublicKey: this.key.client_public_key,
        curveSecretKey: this.key.client_secret_key,
      }),
    })
    this.socket = socket
    this.heardAt = Date.now()
    this.pinged = false
    socket.events.on("disconnect", () => this.#drop(socket, lost("the connection broke")))
    socket.events.on("handshake:error:auth", () => {
      const message = "the gateway does not know this client's key"
      this.#drop(socket, new TpaydError({ code: "not_permitted", message, outcome: "not_started" }))
    })
    this.watch = setInterval(() => this.#lookForLife(socket), 500)
    socket.connect(this.key.endpoint)
    this.#listen(socket)
  }

  async #listen(socket) {
    try {
      for await (const frames of socket) {
        if (frames.length === 1) this.#receive(decode(frames[0]))
      }
    } catch {
      this.#drop(socket, lost("the gateway's answer could not be read"))
    }
  }

  #receive([protocol, kind, id, , , , , , , body]) {
    if (protocol !== PROTOCOL) return
    this.heardAt = Date.now()
    this.pinged = false
    const waiting = this.open.get(id)
    if (kind === Kind.PING) this.#post(Kind.PONG, id)
    else if (kind === Kind.PROGRESS) waiting?.onProgress?.(body)
    else if (kind === Kind.REPLY) this.#settle(id, () => waiting.resolve(body))
    else if (kind === Kind.ERROR) {
      this.#settle(id, () => waiting.reject(new TpaydError(body)))
      // The gateway has restarted: what else was open went with the session.
      if (body.code === "hello_required") this.#drop(this.socket, lost("the gateway does not know this session"))
    }
  }

  async #exchange(kind, op, body, { key = null, ttlMs, onProgress }) {
    const id = ++this.lastId
    const answer = new Promise((resolve, reject) => {
      const late = () => this.#settle(id, () => reject(lost(`no answer to ${op || "HELLO"} in time`)))
      this.open.set(id, { resolve, reject, onProgress, timer: setTimeout(late, ttlMs + ANSWER_GRACE_MS) })
    })
    answer.catch(() => {}) // it may be rejected while the send is still under way
    try {
      await this.#post(kind, id, op, kind === Kind.REQ ? ttlMs : 0, key, body)
    } catch {
      this.#settle(id, () => {})
      this.session = null
      throw notSent("the connection takes no message now")
    }
    return answer
  }

  #settle(id, end) {
    const waiting = this.open.get(id)
    if (!waiting) return
    clearTimeout(waiting.timer)
    this.open.delete(id)
    end()
  }

  /** Sends one envelope. zeromq.js allows one send at a time, hence the chain. */
  #post(kind, id, op = "", ttlMs = 0, key = null, body = {}) {
    const frame = encode([PROTOCOL, kind, id, op, ttlMs, key, null, this.session, null, body])
    const socket = this.socket
    const sent = this.sending.then(() => socket.send(frame))
    this.sending = sent.catch(() => {})
    return sent
  }

  #lookForLife(socket) {
    const silentMs = Date.now() - this.heardAt
    if (this.open.size === 0) this.heardAt = Date.now()
    else if (silentMs > LOST_AFTER_MS) this.#drop(socket, lost(`the gateway was silent for ${silentMs} ms`))
    else if (silentMs > PING_AFTER_MS && this.session && !this.pinged) {
      this.pinged = true
      this.#post(Kind.PING, ++this.lastId).catch(() => {})
    }
  }

  /** The connection is over, and with it the session and what was open. */
  #drop(socket, error) {
    if (socket === null || socket !== this.socket) return
    clearInterval(this.watch)
    this.socket = null
    this.session = null
    socket.close()
    for (const [id, waiting] of [...this.open]) this.#settle(id, () => waiting.reject(error))
  }
}

let lastMs = 0
let count = 0

/** A UUID of version 7 (RFC 9562): ids in the order of time cost the store least. They ascend within a process. */
export function newRequestId() {
  const ms = Date.now()
  if (ms > lastMs) [lastMs, count] = [ms, 0]
  else if (++count > 0xfff) [lastMs, count] = [lastMs + 1, 0]
  const time = lastMs.toString(16).padStart(12, "0")
  const random = randomBytes(8)
  random[0] = 0x80 | (random[0] & 0x3f)
  const tail = random.toString("hex")
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count.toString(16).padStart(3, "0")}-${tail.slice(0, 4)}-${tail.slice(4)}`
}

/** Takes a payment and gives back its verdict, whatever is lost on the way. */
export async function sale(gateway, { lane, amount, log, requestId = newRequestId(), onProgress, ttlMs = 120_000 }) {
  writeDurably(log, { begin: requestId, lane })
  const body = { lane, amount: { total_minor: amount } }
  const giveUpAt = Date.now() + ttlMs + 30_000
  let result
  for (let tries = 0; !result; tries += 1) {
    try {
      result = await gateway.request("payment.sale", body, { key: requestId, ttlMs, onProgress })
    } catch (error) {
      if (error.outcome === "unknown") break
      if (error.outcome === "not_started" && error.retryable && error.code !== "lane_busy" && tries < 20) await sleep(error.retryAfterMs)
      else throw error
    }
  }
  result = await verdict(gateway, { lane, requestId, result, giveUpAt })
  try {
    writeDurably(log, { end: requestId, verdict: result.verdict })
  } catch {
    // A full disk: the verdict stands, and a lost line costs one question after the next start.
  }
  return result
}

/** Asks until the payment is PAID or NOT_PAID. */
export async function verdict(gateway, { lane, requestId, result, giveUpAt = Date.now() + 60_000 }) {
  for (let pauseMs = 250; !result || result.verdict === "WAIT"; pauseMs = Math.min(2 * pauseMs, 2_000)) {
    try {
      result = await gateway.request("payment.status", { lane, request_id: requestId }, { ttlMs: 5_000 })
    } catch (error) {
      if (Date.now() > giveUpAt) throw lost(`payment ${requestId} has no verdict yet (${error.message}); ask again later`)
    }
    if (!result || result.verdict === "WAIT") await sleep(pauseMs)
    if (result?.verdict === "WAIT" && Date.now() > giveUpAt) return result
  }
  return result
}

/** A line on disk before anything is sent: after a crash, the ids without an end are to be asked about. */
function writeDurably(path, entry) {
  const file = openSync(path, "a", 0o600)
  try {
    writeSync(file, `${JSON.stringify(entry)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
