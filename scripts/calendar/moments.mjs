/**
 * When and where tests run that read a calendar: every weekday, the ends of months and years, a leap day, days of 23 and of
 * 25 hours, and places whose day is another than that of UTC. Those that end in 30 seconds before something have it happen
 * while tests run. All are past: etcd, whose clock can't be shifted, would take a certificate of the future for no good.
 * @type {{ name: string, time: string, zone: string, what: string }[]}
 */
export const MOMENTS = [
  { name: 'monday', time: '2024-12-30T12:00:00Z', zone: 'UTC', what: 'a Monday of 2024, in the first week of 2025' },
  {
    name: 'tuesday',
    time: '2026-06-30T12:00:00Z',
    zone: 'Pacific/Apia',
    what: 'a Tuesday of June, Wednesday in July there',
  },
  { name: 'wednesday', time: '2026-11-18T12:00:00Z', zone: 'America/New_York', what: 'a Wednesday like any other' },
  { name: 'leap-day', time: '2024-02-29T12:00:00Z', zone: 'Europe/Berlin', what: 'a leap day, a Thursday' },
  {
    name: 'new-year',
    time: '2021-01-01T02:00:00Z',
    zone: 'America/New_York',
    what: 'a Friday, in week 53 of 2020; there 2020',
  },
  {
    name: 'saturday',
    time: '2022-01-01T12:00:00Z',
    zone: 'Europe/Berlin',
    what: 'a Saturday, in the last week of 2021',
  },
  {
    name: 'spring',
    time: '2026-03-29T00:59:30Z',
    zone: 'Europe/Berlin',
    what: 'a Sunday of 23 hours, before it loses one',
  },
  {
    name: 'autumn',
    time: '2026-11-01T05:59:30Z',
    zone: 'America/New_York',
    what: 'a Sunday of 25 hours, before it has one again',
  },
  { name: 'sunday-night', time: '2026-06-14T23:59:30Z', zone: 'UTC', what: 'before a Monday begins' },
  { name: 'new-years-eve', time: '2025-12-31T23:59:30Z', zone: 'UTC', what: 'before a year begins' },
];
