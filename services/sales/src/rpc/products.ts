import { watchOf } from '@rondo/access';
import {
  type CreateProductRequest,
  type DeleteProductRequest,
  Product as ProductMessage,
  ProductServiceDefinition,
  type StockChange as StockChangeMessage,
  StockChangeReason,
  type UpdateProductRequest,
  type WatchProductsResponse,
} from '@rondo/contracts/sales/v1/products';
import {
  type Etagged,
  etagOf,
  type List,
  nextPageToken,
  readEtag,
  readList,
  readUpdateMask,
  required,
} from '@rondo/resources';
import type { ResourceEvent } from '@rondo/resources/domain';
import { implement, reading, type ServiceImplementation } from '@rondo/rpc/server';
import { type FieldAt, validate } from '@rondo/rpc/status';
import { nameOf, stockChangeName } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import {
  type Product,
  type ProductDraft,
  type ProductFields,
  STOCK_REASONS,
  type StockChange,
  type StockReason,
} from '../domain/product.js';
import { type Deletion, deleteResource, type Target, undeleteResource } from '../usecases/delete-resource.js';
import {
  adjustStock,
  createProduct,
  getProduct,
  listProducts,
  listStockChanges,
  type ProductUpdate,
  updateProduct,
} from '../usecases/products.js';
import { streamWithRpcErrors, withRpcErrors } from './errors.js';
import { readPrice, toMoneyMessage } from './money.js';
import { idOf, readName } from './names.js';

const PRODUCT: Target<Product> = { kind: 'product', storeOf: ({ products }) => products };

/** Implements `sales.v1.ProductService`. */
export function productService(ports: Ports): ServiceImplementation {
  return implement(ProductServiceDefinition, {
    createProduct: reading(readCreate, (draft) => withRpcErrors(createProduct(ports, draft, toProductMessage))),
    async getProduct({ name }) {
      return toProductMessage(await withRpcErrors(getProduct(ports, idOf('product', name))));
    },
    async listProducts(request) {
      const query = validate((field) => readList(field, PRODUCTS, request));
      const { items, next } = await withRpcErrors(listProducts(ports, query));
      return { products: items.map(toProductMessage), nextPageToken: nextPageToken(PRODUCTS, request, next) };
    },
    watchProducts: (request, call) =>
      streamWithRpcErrors(ports.feeds.products.watch(watchOf(request, call)), toEventMessage),
    watchProductChanges: (_, { signal }) =>
      streamWithRpcErrors(ports.productFeed.watch(signal), (id) => ({
        product: id === undefined ? '' : nameOf('product', id),
      })),
    async adjustStock({ name, delta, reference }) {
      const change = { productId: idOf('product', name), delta, reference };
      return withRpcErrors(adjustStock(ports, change, toProductMessage));
    },
    async listStockChanges(request) {
      const list = stockChangesOf(request.parent);
      const query = validate((field) => readList(field, list, request));
      const changes = { productId: idOf('product', request.parent), query };
      const { items, next } = await withRpcErrors(listStockChanges(ports, changes));
      return { stockChanges: items.map(toStockChangeMessage), nextPageToken: nextPageToken(list, request, next) };
    },
    updateProduct: reading(readUpdate, async (update) => {
      return toProductMessage(await withRpcErrors(updateProduct(ports, update)));
    }),
    deleteProduct: reading(readDelete, async (deletion) => {
      return toProductMessage(await withRpcErrors(deleteResource(ports, PRODUCT, deletion)));
    }),
    async undeleteProduct({ name }) {
      return toProductMessage(await withRpcErrors(undeleteResource(ports, PRODUCT, idOf('product', name))));
    },
  });
}

/** The fields by which products can be filtered and sorted. */
const PRODUCTS: List = {
  collection: 'products',
  fields: {
    title: { kind: 'text' },
    sku: { kind: 'text' },
    stock: { kind: 'integer' },
    create_time: { kind: 'timestamp' },
  },
  sortable: ['create_time', 'title', 'sku'],
};

/** The fields by which the changes of a product's stock can be filtered and sorted. */
function stockChangesOf(parent: string): List {
  return {
    collection: `${parent}/stockChanges`,
    fields: {
      reason: { kind: 'enum', values: STOCK_REASONS },
      reference: { kind: 'text' },
      create_time: { kind: 'timestamp' },
    },
    sortable: ['create_time'],
    order: { field: 'create_time', descending: true },
  };
}

const REASON_MESSAGES = {
  UNSPECIFIED: StockChangeReason.STOCK_CHANGE_REASON_UNSPECIFIED,
  OPENING: StockChangeReason.STOCK_CHANGE_REASON_OPENING,
  CREATED: StockChangeReason.STOCK_CHANGE_REASON_CREATED,
  ADJUSTED: StockChangeReason.STOCK_CHANGE_REASON_ADJUSTED,
  ORDERED: StockChangeReason.STOCK_CHANGE_REASON_ORDERED,
  ORDER_CANCELLED: StockChangeReason.STOCK_CHANGE_REASON_ORDER_CANCELLED,
} as const satisfies Record<StockReason, StockChangeReason>;

const EMPTY = ProductMessage.fromPartial({});

function readCreate({ product = EMPTY }: CreateProductRequest, field: FieldAt): ProductDraft {
  const read = productReader(field, product);
  return {
    title: read.title(),
    sku: read.sku(),
    unitPrice: read.unitPrice(),
    stock: product.stock,
    deliveryEffortMinutes: read.deliveryEffortMinutes(),
  };
}

function readUpdate({ product = EMPTY, updateMask }: UpdateProductRequest, field: FieldAt): ProductUpdate {
  const has = readUpdateMask(field('update_mask'), updateMask, {
    title: product.title !== '',
    sku: product.sku !== '',
    unit_price: product.unitPrice !== undefined,
    delivery_effort_minutes: product.deliveryEffortMinutes !== 0n,
  });
  const read = productReader(field, product);
  return {
    id: readName(field('product.name'), 'product', product.name),
    changedSince: readEtag(field('product.etag'), product.etag, etaggedOf),
    fields: {
      ...(has('title') && { title: read.title() }),
      ...(has('sku') && { sku: read.sku() }),
      ...(has('unit_price') && { unitPrice: read.unitPrice() }),
      ...(has('delivery_effort_minutes') && { deliveryEffortMinutes: read.deliveryEffortMinutes() }),
    },
  };
}

type Readers = { readonly [Field in keyof ProductFields]: () => ProductFields[Field] };

/** Reads a product field by field, as an update has only some of them. */
function productReader(field: FieldAt, product: ProductMessage): Readers {
  const { title, sku, unitPrice, deliveryEffortMinutes } = product;
  return {
    title: () => required(field('product.title'), title),
    sku: () => required(field('product.sku'), sku),
    unitPrice: () => readPrice(field, 'product.unit_price', unitPrice),
    deliveryEffortMinutes: () => deliveryEffortMinutes,
  };
}

function readDelete({ name, etag }: DeleteProductRequest, field: FieldAt): Deletion<Product> {
  return {
    id: readName(field('name'), 'product', name),
    changedSince: readEtag(field('etag'), etag, etaggedOf),
  };
}

function toEventMessage(event: ResourceEvent<Product>): WatchProductsResponse {
  const { resumeToken } = event;
  if (event.kind !== 'snapshot') {
    return { event: { $case: 'productChanged', value: toProductMessage(event.item) }, resumeToken };
  }
  const { items, first, more } = event;
  return { event: { $case: 'snapshot', value: { products: items.map(toProductMessage), first, more } }, resumeToken };
}

function toProductMessage(product: Product): ProductMessage {
  const { id, unitPrice, version: _, ...fields } = product;
  return {
    ...fields,
    name: nameOf('product', id),
    unitPrice: toMoneyMessage(unitPrice),
    etag: etagOf(etaggedOf(product)),
  };
}

/**
 * The order of these fields must never change: the etags that callers hold depend on it. The stock isn't part of them.
 */
function etaggedOf({ id, version, createTime, updateTime, ...product }: Product): Etagged {
  const { title, sku, unitPrice, deliveryEffortMinutes, deleteTime } = product;
  const changeable = { title, sku, unit_price: unitPrice, delivery_effort_minutes: deliveryEffortMinutes };
  const fields = { ...changeable, delete_time: deleteTime };
  return { name: nameOf('product', id), version, createTime, updateTime, fields };
}

function toStockChangeMessage({ id, productId, reason, ...change }: StockChange): StockChangeMessage {
  return { ...change, name: stockChangeName(productId, id), reason: REASON_MESSAGES[reason] };
}
