import { showPage } from '@rondo/console/page';
import { CustomersPage } from './customers-page.js';
import { ProductsPage } from './products-page.js';
import { QuotesPage } from './quotes-page.js';

showPage({
  title: 'Sales desk',
  places: [
    ['', 'Quotes and orders'],
    ['customers', 'Customers'],
    ['products', 'Products'],
  ],
  show(place) {
    if (place === 'customers') return <CustomersPage />;
    if (place === 'products') return <ProductsPage />;
    return <QuotesPage key={place} chosen={place} />;
  },
});
