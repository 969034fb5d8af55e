// Twilio's calculator over texts: a JSON array on standard input, an answer to each on standard output, as
//   [segments, bits of the fullest, segments with Smart Encoding, bits of the fullest of those, text with Smart Encoding]
const { SegmentedMessage } = require("sms-segments-calculator");

const fullest = (message) => message.segments.reduce((most, one) => Math.max(most, one.sizeInBits()), 0);

const answer = (text) => {
  const plain = new SegmentedMessage(text, "auto", false);
  const smart = new SegmentedMessage(text, "auto", true);
  return [plain.segmentsCount, fullest(plain), smart.segmentsCount, fullest(smart), smart.graphemes.join("")];
};

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  const texts = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  process.stdout.write(JSON.stringify(texts.map(answer)));
});
