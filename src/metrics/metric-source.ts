/** Where metrics come from. */
export interface MetricSource {
  /** In Prometheus's text format. */
  read(): Promise<string>;
}
