import { START_MS, loggedEvent } from '../testing';
import { readFact, type FlowFact } from './facts';

const flowOf = (type: string, data: Record<string, unknown>) =>
  readFact(loggedEvent({ id: 'a', timeMs: START_MS, type, data: data as never })) as FlowFact | undefined;
const observed = (data: Record<string, unknown>) => flowOf('device.network-flow-observed', data);
const to = (target: Record<string, unknown>) => observed({ src_endpoint: { ip: '10.0.0.1' }, dst_endpoint: target });

describe('readFact', () => {
  it('reads a connection with all that it says', () => {
    const device = { uid: 'pump-1', type: 'infusion-pump' };
    const src_endpoint = { ip: '10.0.0.1', port: 50_000 };
    const dst_endpoint = { ip: '192.0.2.1', port: 443, hostname: 'x.example' };
    expect(observed({ device, src_endpoint, dst_endpoint, traffic: { bytes_out: 7 } })).toEqual({
      kind: 'flow',
      from: 'pump-1',
      fromAddress: '10.0.0.1',
      deviceClass: 'infusion-pump',
      to: 'x.example',
      toAddress: '192.0.2.1',
      toPort: 443,
      leavesHouse: true,
      bytesOut: 7,
    });
  });

  it('reads connections of Zeek, flat and nested, and no other of its logs', () => {
    const from = { kind: 'flow', from: '10.0.0.1', fromAddress: '10.0.0.1', deviceClass: null };
    const expected = { ...from, to: '8.8.8.8', toAddress: '8.8.8.8', toPort: 53 };
    const flat = { 'id.orig_h': '10.0.0.1', 'id.resp_h': '8.8.8.8', 'id.resp_p': 53, orig_bytes: 30 };
    const nested = { id: { orig_h: '10.0.0.1', resp_h: '8.8.8.8', resp_p: 53 } };
    const zeek = 'device.network-log-recorded';
    expect(flowOf(zeek, { _path: 'conn', ...flat })).toEqual({ ...expected, leavesHouse: true, bytesOut: 30 });
    expect(flowOf(zeek, { _path: 'conn', ...nested })).toEqual({ ...expected, leavesHouse: true, bytesOut: null });
    expect(flowOf(zeek, { _path: 'dns', ...flat })).toBeUndefined();
    expect(flowOf(zeek, { _path: 'conn', 'id.orig_h': '10.0.0.1' })).toBeUndefined();
  });

  it('takes the other end for the opener where the connection is filed under the device that was reached', () => {
    const device = { uid: 'pump-1', type: 'infusion-pump', ip: '10.0.0.9' };
    const dst_endpoint = { ip: '10.0.0.9', port: 22, hostname: 'pump-1' };
    const reached = (src_endpoint: Record<string, unknown>) => observed({ device, src_endpoint, dst_endpoint });
    expect(reached({ ip: '10.0.0.1', hostname: 'ws-1' })).toMatchObject({ from: 'ws-1', deviceClass: null });
    expect(reached({ ip: '10.0.0.1' })).toMatchObject({ from: '10.0.0.1', to: 'pump-1', deviceClass: null });
    expect(reached({ ip: '10.0.0.9' })).toMatchObject({ from: 'pump-1', deviceClass: 'infusion-pump' });
  });

  it('says nothing where an end has no name', () => {
    expect(observed({ src_endpoint: {}, dst_endpoint: { ip: '10.0.0.2' } })).toBeUndefined();
    expect(to({})).toBeUndefined();
  });

  it.each([
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '169.254.1.1',
    '127.0.0.1',
    '224.0.0.251',
    '255.255.255.255',
    'fd00::1',
    'fe80::1',
    'ff02::1',
    '::1',
    'no address',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '::10.0.0.1',
    '64:ff9b::a00:1',
    'fec0::1',
  ])('takes %s as inside', (ip) => expect(to({ ip })?.leavesHouse).toBe(false));

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '192.0.2.1', '2001:db8::1', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
    'takes %s as outside',
    (ip) => expect(to({ ip })?.leavesHouse).toBe(true),
  );

  it('goes by the zone first, and by the name where there is no address', () => {
    expect(to({ ip: '10.0.0.9', zone: 'internet' })?.leavesHouse).toBe(true);
    expect(to({ ip: '8.8.8.8', zone: 'dmz' })?.leavesHouse).toBe(false);
    for (const hostname of [
      'printer',
      'printer.',
      'pump.local.',
      'a.home.arpa',
      'db.internal',
      '10.0.0.1',
      '.',
      '1.0.0.127.in-addr.arpa',
    ])
      expect(to({ hostname })?.leavesHouse).toBe(false);
    for (const hostname of ['c2.example', 'c2.example.', '8.8.8.8']) expect(to({ hostname })?.leavesHouse).toBe(true);
  });

  it('takes no value of another type, and no name beyond 255 characters', () => {
    const zeek = (parts: Record<string, unknown>) =>
      flowOf('device.network-log-recorded', {
        _path: 'conn',
        'id.orig_h': '10.0.0.1',
        'id.resp_h': '8.8.8.8',
        ...parts,
      });
    const bare = { toPort: null, bytesOut: null };
    expect(zeek({ 'id.resp_p': 1.5, orig_bytes: -1 })).toMatchObject(bare);
    expect(zeek({ 'id.resp_p': '53', orig_bytes: '9' })).toMatchObject(bare);
    for (const odd of [null, 5, {}, ['10.0.0.1'], 'x'.repeat(256)]) expect(zeek({ 'id.orig_h': odd })).toBeUndefined();
    for (const odd of [null, 5, 'x', []]) expect(observed({ src_endpoint: odd, dst_endpoint: odd })).toBeUndefined();
  });
});
