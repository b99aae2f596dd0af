/**
 * When and where tests run that read a calendar: every weekday, the ends of months and years, a leap day, days of 23 and of
 * 25 hours, and places whose day is another than that of UTC. Those that end in 30 seconds before something have it happen
 * while tests run. None is earlier than the days that tests name as past.
 * @type {{ name: string, time: string, zone: string, what: string }[]}
 */
export const MOMENTS = [
  { name: 'monday', time: '2029-12-31T12:00:00Z', zone: 'UTC', what: 'a Monday of 2029, in the first week of 2030' },
  { name: 'leap-day', time: '2028-02-29T12:00:00Z', zone: 'Europe/Berlin', what: 'a leap day, a Tuesday' },
  {
    name: 'wednesday',
    time: '2027-06-30T12:00:00Z',
    zone: 'Pacific/Apia',
    what: 'a Wednesday; Thursday, and July, there',
  },
  { name: 'new-years-eve', time: '2026-12-31T23:59:30Z', zone: 'UTC', what: 'a Thursday, before a year begins' },
  { name: 'new-year', time: '2027-01-01T02:00:00Z', zone: 'America/New_York', what: 'a Friday in week 53; there 2026' },
  {
    name: 'saturday',
    time: '2028-01-01T12:00:00Z',
    zone: 'Europe/Berlin',
    what: 'a Saturday, in the last week of 2027',
  },
  { name: 'spring', time: '2027-03-28T00:59:30Z', zone: 'Europe/Berlin', what: 'a Sunday, before it loses an hour' },
  {
    name: 'autumn',
    time: '2027-11-07T05:59:30Z',
    zone: 'America/New_York',
    what: 'a Sunday, before it has an hour again',
  },
  { name: 'sunday-night', time: '2027-06-13T23:59:30Z', zone: 'UTC', what: 'before a Monday begins' },
];
