/** The company's team, catalogue and customers. All names are invented, and `.example` is a reserved domain (RFC 2606). */

/**
 * Name, mailbox, and minutes a week.
 * @type {[string, string, bigint][]}
 */
const TEAM = [
  ['Ines Okafor', 'ines', 2400n],
  ['Tomas Lind', 'tomas', 2400n],
  ['Mei Castellanos', 'mei', 1440n],
  ['Jonas Abara', 'jonas', 2400n],
  ['Priya Haugen', 'priya', 2400n],
  ['Luca Demir', 'luca', 2400n],
  ['Sofia Brandt', 'sofia', 1920n],
  ['Kenji Moreau', 'kenji', 2400n],
  ['Amara Nowak', 'amara', 2400n],
  ['Ravi Sandoval', 'ravi', 1920n],
  ['Elin Costa', 'elin', 2400n],
  ['Noah Petrov', 'noah', 1200n],
];

/** The products: SKU, title, price in euros, stock, minutes to deliver one. */
const EURO_CATALOGUE = [
  ['SITE-SURVEY', 'Site survey', '480', 4_000n, 480n],
  ['SENSOR-KIT', 'Sensor kit', '129.99', 50_000n, 15n],
  ['GATEWAY', 'Gateway', '349.5', 6_000n, 90n],
  ['TRAINING-DAY', 'Training day', '950', 3_000n, 600n],
  ['PROBE', 'Temperature probe', '24.9', 80_000n, 5n],
  ['DOOR-CONTACT', 'Door contact', '18.75', 40_000n, 10n],
  ['SIREN', 'Siren with strobe', '89', 8_000n, 30n],
  ['MAST', 'Antenna mast', '210', 1_500n, 120n],
  ['CABLE-100', 'Cable, 100 m', '64.2', 9_000n, 0n],
  ['BATTERY-PACK', 'Battery pack', '39.99', 30_000n, 0n],
  ['DASHBOARD', 'Dashboard set-up', '1250', 2_000n, 480n],
  ['INTEGRATION', 'Integration with the ERP', '3900', 500n, 1_440n],
  ['CALIBRATION', 'Calibration visit', '290', 5_000n, 180n],
  ['SUPPORT-YEAR', 'Support for a year', '1190', 5_000n, 60n],
];

/** Other currencies, and the prices in them as percentages of the price in euros. */
const ABROAD = [
  { currencyCode: 'GBP', suffix: '-UK', percent: 90n },
  { currencyCode: 'USD', suffix: '-US', percent: 115n },
];
const SOLD_ABROAD = new Set([
  'SITE-SURVEY',
  'SENSOR-KIT',
  'GATEWAY',
  'TRAINING-DAY',
  'PROBE',
  'CABLE-100',
  'DASHBOARD',
  'SUPPORT-YEAR',
]);

/** The customers by currency: name, domain, and mailbox if it isn't `purchasing`. */
const BUYERS = {
  EUR: [
    ['Harbour Cold Storage', 'harbour'],
    ['Alder Valley Farms', 'alder', 'office'],
    ['Northline Rail', 'northline', 'procurement'],
    ['Baltic Timber Works', 'baltic-timber'],
    ['Kranich Brewery', 'kranich'],
    ['Lindenhof Clinics', 'lindenhof'],
    ['Meridian Glass', 'meridian-glass'],
    ['Polder Greenhouses', 'polder'],
    ['Rhône Valley Wines', 'rhone-wines'],
    ['Sirocco Logistics', 'sirocco'],
    ['Tessera Ceramics', 'tessera'],
    ['Vesper Hotels', 'vesper'],
    ['Weiler Dairy', 'weiler'],
    ['Zephyr Wind Parks', 'zephyr'],
    ['Arno Paper Mill', 'arno'],
    ['Brisa Salt Works', 'brisa'],
    ['Cormorant Fisheries', 'cormorant'],
    ['Dune Water Board', 'dune'],
    ['Estrela Museums', 'estrela'],
    ['Fjordline Ferries', 'fjordline'],
    ['Granit Quarries', 'granit'],
    ['Hestia Housing', 'hestia'],
    ['Isar Print House', 'isar'],
    ['Juniper Pharmacies', 'juniper'],
    ['Karst Caves Park', 'karst'],
    ['Loden Textiles', 'loden'],
    ['Marsh Bird Reserve', 'marsh'],
    ['Nordlicht Theatre', 'nordlicht'],
    ['Olive Hill Presses', 'olive-hill'],
    ['Quay Nine Warehouses', 'quay-nine'],
  ],
  GBP: [
    ['Ashdown Orchards', 'ashdown'],
    ['Blackwater Oysters', 'blackwater'],
    ['Cairn Distillery', 'cairn'],
    ['Dovetail Joiners', 'dovetail'],
    ['Eastmoor Schools', 'eastmoor'],
    ['Fenland Potatoes', 'fenland'],
    ['Gannet Island Ferries', 'gannet'],
    ['Heatherbank Care Homes', 'heatherbank'],
    ['Ironbridge Castings', 'ironbridge'],
    ['Kestrel Couriers', 'kestrel'],
    ['Lark Lane Bakeries', 'lark-lane'],
    ['Millrace Breweries', 'millrace'],
    ['Otter Vale Dairy', 'otter-vale'],
    ['Pennine Wool', 'pennine'],
    ['Ravenscar Lighthouse Trust', 'ravenscar'],
  ],
  USD: [
    ['Bayou Ice Company', 'bayou-ice'],
    ['Cascade Seed Bank', 'cascade'],
    ['Desert Bloom Nurseries', 'desert-bloom'],
    ['Evergreen Blood Bank', 'evergreen'],
    ['Flint Creek Cheese', 'flint-creek'],
    ['Great Basin Labs', 'great-basin'],
    ['Hudson Bend Museums', 'hudson-bend'],
    ['Iron Range Trucking', 'iron-range'],
    ['Lone Pine Observatory', 'lone-pine'],
    ['Magnolia Flowers', 'magnolia'],
    ['Prairie Grain Co-op', 'prairie'],
    ['Redwood Cellars', 'redwood'],
    ['Sawtooth Resorts', 'sawtooth'],
    ['Tidewater Seafood', 'tidewater'],
    ['Yellow Barn Markets', 'yellow-barn'],
  ],
};

const NANOS = 1_000_000_000n;
const NANOS_OF_CENT = 10_000_000n;

/** The team, in the form of `CreateMember`. */
export const MEMBERS = TEAM.map(([displayName, mailbox, weeklyCapacityMinutes]) => ({
  displayName,
  email: `${mailbox}@rondo.example`,
  weeklyCapacityMinutes,
}));

/** The catalogue, in the form of `CreateProduct`. */
export const PRODUCTS = EURO_CATALOGUE.flatMap(([sku, title, price, stock, deliveryEffortMinutes]) => {
  const product = { title, stock, deliveryEffortMinutes };
  const markets = SOLD_ABROAD.has(sku) ? ABROAD : [];
  return [
    { ...product, sku, unitPrice: toMoney('EUR', nanosOf(price)) },
    ...markets.map(({ currencyCode, suffix, percent }) => ({
      ...product,
      sku: `${sku}${suffix}`,
      unitPrice: toMoney(currencyCode, toCents((nanosOf(price) * percent) / 100n)),
    })),
  ];
});

/** The customers, in the form of `CreateCustomer`, each with its currency. */
export const CUSTOMERS = Object.entries(BUYERS).flatMap(([currencyCode, buyers]) =>
  buyers.map(([displayName, domain, mailbox = 'purchasing']) => ({
    currencyCode,
    customer: { displayName, email: `${mailbox}@${domain}.example` },
  })),
);

function nanosOf(price) {
  const [units, fraction = ''] = price.split('.');
  return BigInt(units) * NANOS + BigInt(fraction.padEnd(9, '0'));
}

function toCents(nanos) {
  return nanos - (nanos % NANOS_OF_CENT);
}

function toMoney(currencyCode, nanos) {
  return { currencyCode, units: nanos / NANOS, nanos: Number(nanos % NANOS) };
}
