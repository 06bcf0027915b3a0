// node sale.mjs --key-file till-1.key --lane 1 --amount 11000
// node sale.mjs --endpoint ipc:///…/run/public/gateway --client cli --lane 1 --amount 11000
//
// Exit status: 0 PAID, 1 NOT PAID, 2 refused or wrong, 3 not known yet.

import { parseArgs } from "node:util"
import { Gateway, sale } from "./tpayd.mjs"

const { values } = parseArgs({
  options: {
    "key-file": { type: "string" },
    endpoint: { type: "string" },
    client: { type: "string" },
    lane: { type: "string", default: "1" },
    amount: { type: "string" },
    log: { type: "string", default: "requests.jsonl" },
    "request-id": { type: "string" },
  },
})

const gateway = new Gateway({ keyFile: values["key-file"], endpoint: values.endpoint, client: values.client })
try {
  const result = await sale(gateway, {
    lane: values.lane,
    amount: Number(values.amount),
    log: values.log,
    requestId: values["request-id"],
    onProgress: step => console.error(`… ${step.text}`),
  })
  console.log(JSON.stringify(result, null, 2))
  process.exitCode = { PAID: 0, NOT_PAID: 1 }[result.verdict] ?? 3
} catch (error) {
  console.error(error.message, error.field ? `(${error.field})` : "")
  process.exitCode = error.outcome === "unknown" ? 3 : 2
} finally {
  gateway.close()
}
