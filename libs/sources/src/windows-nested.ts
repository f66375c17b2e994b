import { isRecord, type NativeRecord } from './record-json';

const ATTRIBUTES = '#attributes';
const TEXT = '#text';

/** True for a record in the nested shape of an EVTX export: `{"Event":{"System":{…},"EventData":{…}}}`. */
export function isNestedWindowsEvent(record: NativeRecord): boolean {
  const event = record['Event'];
  return isRecord(event) && isRecord(event['System']);
}

/**
 * The nested shape of an EVTX export as one flat record. Children of `System` keep their names and attributes become
 * `<child>_<attribute>` (`Provider_Name`, `TimeCreated_SystemTime`); the fields of `EventData` and `UserData` lie
 * beside them. A field whose name is taken is prefixed with the name of its section, so that nothing is lost; of XML,
 * only name spaces and empty elements are left out.
 */
export function flattenWindowsEvent(record: NativeRecord): NativeRecord {
  const flat = new Map<string, unknown>();
  const { Event: event, ...siblings } = record;
  const { System: system, EventData: eventData, UserData: userData, ...others } = event as NativeRecord;
  addElement(flat, 'System', system);
  addElement(flat, 'EventData', eventData);
  if (isRecord(userData)) for (const [name, element] of Object.entries(userData)) addElement(flat, name, element);
  else put(flat, 'UserData', 'Event', userData);
  for (const [name, element] of Object.entries(others)) addSection(flat, 'Event', name, element);
  for (const [name, value] of Object.entries(siblings)) put(flat, name, 'Record', value);
  // Object.fromEntries defines members, so that a field named `__proto__` stays a field.
  return Object.fromEntries(flat);
}

/** Puts the children of an element flat; its own attributes are prefixed with its name. */
function addElement(flat: Map<string, unknown>, section: string, element: unknown): void {
  if (!isRecord(element)) return put(flat, section, 'Event', element);
  for (const [name, child] of Object.entries(element)) {
    if (name === ATTRIBUTES) addAttributes(flat, section, 'Event', child);
    else addChild(flat, section, name, child);
  }
}

function addChild(flat: Map<string, unknown>, section: string, name: string, child: unknown): void {
  if (!isRecord(child) || (!isRecord(child[ATTRIBUTES]) && child[TEXT] === undefined))
    return put(flat, name, section, child);
  const { [ATTRIBUTES]: attributes, [TEXT]: text, ...rest } = child;
  put(flat, name, section, Object.keys(rest).length === 0 ? text : { [TEXT]: text, ...rest });
  addAttributes(flat, name, section, attributes);
}

/** Puts what belongs to no known section under names that start with its own. */
function addSection(flat: Map<string, unknown>, section: string, name: string, element: unknown): void {
  if (name === ATTRIBUTES) return addAttributes(flat, section, 'Record', element);
  if (!isRecord(element)) return put(flat, name, section, element);
  for (const [key, child] of Object.entries(element)) put(flat, `${name}_${key}`, section, child);
}

function addAttributes(flat: Map<string, unknown>, prefix: string, section: string, attributes: unknown): void {
  if (!isRecord(attributes)) return;
  for (const [name, value] of Object.entries(attributes))
    if (name !== 'xmlns') put(flat, `${prefix}_${name}`, section, value);
}

function put(flat: Map<string, unknown>, name: string, section: string, value: unknown): void {
  if (value === undefined || value === null) return;
  let free = name;
  while (flat.has(free)) free = `${section}_${free}`;
  flat.set(free, value);
}
