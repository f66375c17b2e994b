import { ProtegoError } from '@protego/contracts';
import type { Json, StateStore } from './stream-element';

/** Version of the form in which {@link stateToBytes} writes. */
export const STATE_BYTES_VERSION = 1;

/** The state of several stores, each under its name, as JSON text in UTF-8. The same history gives the same bytes. */
export function stateToBytes(stores: Readonly<Record<string, StateStore>>): Uint8Array {
  const states = Object.fromEntries(Object.entries(stores).map(([name, store]) => [name, store.snapshot()]));
  return Buffer.from(JSON.stringify({ version: STATE_BYTES_VERSION, states }), 'utf8');
}

/**
 * Puts the stores into the state that {@link stateToBytes} wrote down. They must have been made with the same options.
 * @throws ProtegoError `OPERATOR_STATE_INVALID` when the bytes are damaged, of another version or of other stores; some stores
 * may then have been restored and others not.
 */
export function stateFromBytes(stores: Readonly<Record<string, StateStore>>, bytes: Uint8Array): void {
  const states = statesIn(bytes);
  const names = Object.keys(stores).sort();
  const found = Object.keys(states).sort();
  if (names.join() !== found.join())
    throw new ProtegoError('OPERATOR_STATE_INVALID', 'the snapshot is of other stores', { expected: names, found });
  for (const [name, store] of Object.entries(stores)) {
    try {
      store.restore(states[name] as Json);
    } catch (cause) {
      throw new ProtegoError('OPERATOR_STATE_INVALID', `state \`${name}\` cannot be read`, { store: name }, { cause });
    }
  }
}

function statesIn(bytes: Uint8Array): Readonly<Record<string, Json>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ProtegoError('OPERATOR_STATE_INVALID', 'the snapshot is no JSON text', {}, { cause });
  }
  const { version, states } = (parsed ?? {}) as { version?: unknown; states?: unknown };
  if (version !== STATE_BYTES_VERSION || typeof states !== 'object' || states === null)
    throw new ProtegoError('OPERATOR_STATE_INVALID', 'the snapshot is of another version', {
      expected: STATE_BYTES_VERSION,
      found: String(version),
    });
  return states as Readonly<Record<string, Json>>;
}
