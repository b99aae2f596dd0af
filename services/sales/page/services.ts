import { serviceOf } from '@rondo/console/page';
import type { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import type { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import type { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import type { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';

export const customers = serviceOf<typeof CustomerServiceDefinition>('sales.v1.CustomerService');
export const orders = serviceOf<typeof OrderServiceDefinition>('sales.v1.OrderService');
export const products = serviceOf<typeof ProductServiceDefinition>('sales.v1.ProductService');
export const quotes = serviceOf<typeof QuoteServiceDefinition>('sales.v1.QuoteService');
