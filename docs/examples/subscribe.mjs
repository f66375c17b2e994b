// Prints what Protego finds, in words. Run it beside `npm start`.
import { readFileSync } from 'node:fs';
import { connect } from 'nats';

const url = new URL(readFileSync('.protego/nats/subscriber.url', 'utf8').trim());
const connection = await connect({ servers: url.host, user: url.username, pass: url.password });
for await (const message of connection.subscribe('protego.v1.*.detection.>')) {
  const { data } = message.json();
  console.log(`${data.severity}: ${data.title}\n  ${data.why}\n  ${data.nextStep}`);
}
