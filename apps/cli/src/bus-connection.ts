import { readFileSync } from 'node:fs';
import { ProtegoError, messageOf } from '@protego/contracts';
import { connect, type NatsConnection } from 'nats';

/**
 * The URL of a bus with user and password: as it is given, or from the file that holds it, so that no password need stand on a
 * command line.
 */
export function busUrlOf(named: string): URL {
  return new URL(/^(nats|tls):\/\//.test(named) ? named : readFileSync(named, 'utf8').trim());
}

/**
 * Connects to a bus as the user of its URL.
 *
 * @throws ProtegoError `NATS_UNAVAILABLE`
 */
export async function connectTo({ host, username, password, protocol }: URL): Promise<NatsConnection> {
  const user = decodeURIComponent(username);
  return connect({
    servers: host,
    ...(user === '' ? {} : { user, pass: decodeURIComponent(password), inboxPrefix: `_INBOX_${user}` }),
    ...(protocol === 'tls:' ? { tls: {} } : {}),
  }).catch((cause: unknown) => {
    throw new ProtegoError('NATS_UNAVAILABLE', `cannot reach the bus: ${messageOf(cause)}`, {}, { cause });
  });
}
