import { RecentRoutes } from './recent-routes';

const record = (data: Record<string, unknown>, type: string | null = null) => ({ type, data });

describe('RecentRoutes', () => {
  it('finds the route of a record that is alike in type, channel and event id, and of no other', () => {
    const routes = new RecentRoutes<string>();
    routes.keep(record({ Channel: 'Security', EventID: 4688 }), 'a');
    routes.keep(record({ Channel: 'System', EventID: 4688 }, 't'), 'b');
    expect(routes.find(record({ Channel: 'Security', EventID: 4688, User: 'x' }))).toBe('a');
    expect(routes.find(record({ Channel: 'System', EventID: 4688 }, 't'))).toBe('b');
    for (const data of [
      { Channel: 'security', EventID: 4688 },
      { Channel: 'Security', EventID: '4688' },
      { EventID: 4688 },
      {},
    ])
      expect(routes.find(record(data))).toBeUndefined();
    expect(routes.find(record({ Channel: 'Security', EventID: 4688 }, 't'))).toBeUndefined();
  });

  it('keeps nothing of records that are told by something else, or have odd names', () => {
    const routes = new RecentRoutes<string>();
    const odd = [
      { Channel: 'c', EventID: 1, _path: 'dns' },
      { Channel: 'c', EventID: 1, eventSource: 's3' },
      { Channel: 5, EventID: 1 },
      { Channel: 'c', EventID: true },
      { Channel: 'c'.repeat(257), EventID: 1 },
      { Channel: 'c', EventID: '1'.repeat(257) },
    ];
    for (const data of odd) {
      routes.keep(record(data), 'a');
      expect(routes.find(record(data))).toBeUndefined();
    }
    routes.keep(record({ Channel: 'c', EventID: 1 }), 'b');
    expect(odd.slice(0, 2).map((data) => routes.find(record(data)))).toEqual([undefined, undefined]);
  });

  it('holds no more than it has room for', () => {
    const routes = new RecentRoutes<number>();
    const found = (data: Record<string, unknown>): boolean => routes.find(record(data)) !== undefined;
    for (let n = 0; n < 20; n++) routes.keep(record({ Channel: `c${n}`, EventID: 0 }), n);
    for (let id = 0; id < 2_000; id++) routes.keep(record({ Channel: 'c', EventID: id }), id);
    const channels = Array.from({ length: 20 }, (_, n) => found({ Channel: `c${n}`, EventID: 0 }));
    const ids = Array.from({ length: 2_000 }, (_, id) => found({ Channel: 'c', EventID: id }));
    expect([channels.filter(Boolean).length, ids.filter(Boolean).length]).toEqual([8, 1_023]);
  });
});
