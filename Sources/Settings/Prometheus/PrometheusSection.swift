/// A mapping of `prometheus.yml` with fixed keys; those that mean something to Prometheus only are ``comingKeys``.
enum PrometheusSection: MappingKeys {
    case top, global, scrape, targets, files, docker, filter, relabelling, basic, authorization, tls

    var keys: [String] {
        switch self {
        case .top: ["global", "scrape_configs", "rule_files"]
        case .global:
            [
                "scrape_interval", "scrape_timeout", "scrape_protocols", "evaluation_interval", "rule_query_offset",
                "external_labels",
            ] + Self.limits
        case .scrape:
            [
                "job_name", "honor_labels", "honor_timestamps", "track_timestamps_staleness", "params",
                "scrape_interval", "scrape_timeout", "scrape_protocols", "fallback_scrape_protocol", "metrics_path",
                "scheme", "enable_compression", "static_configs", "file_sd_configs", "docker_sd_configs",
                "relabel_configs", "metric_relabel_configs", "basic_auth", "authorization", "bearer_token",
                "bearer_token_file", "tls_config", "follow_redirects", "enable_http2",
            ] + Self.limits
        case .targets: ["targets", "labels"]
        case .files: ["files", "refresh_interval"]
        case .docker:
            ["host", "port", "filters", "host_networking_host", "refresh_interval", "match_first_network"]
        case .filter: ["name", "values"]
        case .relabelling:
            ["source_labels", "separator", "target_label", "regex", "modulus", "replacement", "action"]
        case .basic: ["username", "username_file", "password", "password_file"]
        case .authorization: ["type", "credentials", "credentials_file"]
        case .tls: ["ca_file", "cert_file", "key_file", "server_name", "insecure_skip_verify", "min_version"]
        }
    }

    var comingKeys: [String] {
        switch self {
        case .top:
            [
                "alerting", "remote_write", "remote_read", "scrape_config_files", "storage", "tracing", "otlp",
                "runtime",
            ]
        case .global:
            ["query_log_file", "scrape_failure_log_file"] + Self.names
        case .scrape:
            [
                "azure", "consul", "digitalocean", "dns", "dockerswarm", "ec2", "eureka", "gce", "hetzner", "http",
                "ionos", "kubernetes", "kuma", "lightsail", "linode", "marathon", "nerve", "nomad", "openstack",
                "ovhcloud", "puppetdb", "scaleway", "serverset", "stackit", "triton", "uyuni", "vultr",
            ].map { "\($0)_sd_configs" } + [
                "scrape_failure_log_file", "native_histogram_bucket_limit", "native_histogram_min_bucket_factor",
                "extra_scrape_metrics",
            ] + Self.names + Self.connection
        case .docker:
            ["basic_auth", "authorization", "tls_config", "follow_redirects", "enable_http2"] + Self.connection
        case .basic: ["username_ref", "password_ref"]
        case .authorization: ["credentials_ref"]
        case .tls: ["ca", "cert", "key", "ca_ref", "cert_ref", "key_ref", "max_version"]
        case .targets, .files, .filter, .relabelling: []
        }
    }

    static func home(of key: String) -> String? { nil }

    private static let limits = [
        "body_size_limit", "sample_limit", "label_limit", "label_name_length_limit", "label_value_length_limit",
        "target_limit", "keep_dropped_targets",
    ]
    private static let names = [
        "metric_name_validation_scheme", "metric_name_escaping_scheme", "scrape_native_histograms",
        "convert_classic_histograms_to_nhcb", "always_scrape_classic_histograms",
    ]
    private static let connection = [
        "oauth2", "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers",
    ]
}
