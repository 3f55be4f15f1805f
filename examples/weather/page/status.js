// The sentences about the state of the page: the connection, the production, and
// why there is nothing to show. Nothing here touches the document.
import { most } from "./model.js";
import { clock, count, moment } from "./text.js";

const patience = 10_000; // the shortest silence that is reported, in ms

// status returns the sentences for a state:
//   connection  connecting, up or lost
//   phase, pace of hub.about; pace in ms
//   filled      history has answered, or failed with error
//   any         whether there is a validation
//   short       whether older rows have to be read for the chosen range
//   full        whether the page cannot hold all rows of the chosen range
//   valid       the newest time of the data, Unix ms; daily, how to write it
//   heard       when the last live value or phase arrived, Unix ms
//   now         Unix ms
export const status = (s) => ({ connection: connection(s), production: production(s), notice: notice(s), reading: reading(s) });

const connection = (s) => ({ up: "Connected", lost: "Disconnected, trying again…" })[s.connection] ?? "Connecting…";

const stops = {
  ended: "Production has stopped: this is the end of the recorded data.",
  stopped: "Production has stopped: the hub has produced as many steps as it was started for.",
  history: "Nothing is produced: the hub was started to serve history only.",
};

function production(s) {
  const last = s.valid ? `Last value for ${moment(s.valid, s.daily)}.` : "No value has arrived.";
  if (s.connection === "lost") return `Not connected to the hub: what you see may be out of date. ${last}`;
  if (s.connection !== "up") return "";
  if (s.phase === "starting") return "The hub is starting.";
  if (s.phase !== "producing") return s.phase in stops ? `${stops[s.phase]} ${last}` : "";
  if (s.now - s.heard > Math.max(patience, 3 * s.pace)) return `The hub reports that it is producing, but nothing has arrived since ${clock(s.heard)}. ${last}`;
  return s.pace > 0 ? `Playing recorded data: one step every ${s.pace / 1000} s.` : "Playing recorded data at full speed.";
}

function notice(s) {
  if (s.connection === "up" && s.error) return `The hub could not read its history (${s.error}). Live values go on; reload to try again.`;
  if (s.any) return "";
  if (s.connection !== "up") return s.connection === "lost" ? "There is nothing to show until the hub can be reached." : "";
  if (!s.filled) return "Reading history…";
  return s.phase in stops
    ? "There is nothing to show: history is empty and nothing is produced."
    : "There is nothing yet. The first validation appears when the hour of a forecast arrives.";
}

// reading is shown beside the choice, so that the page below does not move.
function reading(s) {
  if (s.any && s.full) return `The page holds the newest ${count(most)} validations of a city.`;
  if (!s.any || !s.short || s.error) return "";
  return s.connection === "up" ? "Reading older history…" : "Older history cannot be read while disconnected.";
}
