"""Values that cannot be meant, or would not work, are refused before anything is installed, and with what to do."""

import re

import pytest

from tests.helm.chart import CHART, FILES, helm, refusal, text


@pytest.mark.parametrize(
    "typo",
    [
        "replica=3",
        "image.tagg=1",
        "settings.isuer=https://x.example",
        "settings.master_key=0123456789abcdef0123456789abcdef",
        "settings.redis_password=x",
        "settings.redis_url=redis://elsewhere",
        "settings.port=80",
        "settings.admin_port=81",
        "adminService.type=LoadBalancer",
        "secrets.existingsecret=x",
        "secrets.values.masterkey=0123456789abcdef0123456789abcdef",
        "secrets.values.issuer=x",
        "redis.host=x",
        "redis.tls.enable=true",
        "redis.sentinelAuth.user=x",
        "redis.bundled.persistence.sizes=1Gi",
        "probes.liveness.period=1",
        "shutdown.preStop=1",
        "ingress.hosts=x",
        "autoscaling.targetCPU=1",
        "keda.prometheus.address=x",
        "podDisruptionBudget.minAvailable=1",
        "networkPolicy.egress=x",
        "serviceMonitor.enable=true",
        "clients.clients=x",
        "loadtest.worker=1",
        "resources.request.cpu=1",
        "topologySpreadConstraints[0].topologykey=x",
    ],
)
def test_a_typing_error_is_refused(typo: str) -> None:
    complaint = refusal("default", "--set", typo)
    assert "schema" in complaint
    assert re.search("additional propert", complaint, re.IGNORECASE), complaint


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        ("replicas=0", "replicas"),
        ("replicas=two", "replicas"),
        ("port=80", "port"),
        ("adminPort=81", "adminPort"),
        ("adminService.port=0", "port"),
        ("host=127.0.0.1", "host"),
        ("service.port=70000", "port"),
        ("image.tag=latest", "tag"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("settings.workers=0", "workers"),
        ("settings.log_level=LOUD", "log_level"),
        ("settings.drain_seconds=-1", "drain_seconds"),
        ("settings.drain_delay=null", "drain_delay"),
        ("settings.signing_rsa_bits=1024", "signing_rsa_bits"),
        ("settings.registration=yes", "registration"),
        ("settings.token_paths=/token", "token_paths"),
        ("secrets.values.master_key=short", "master_key"),
        ("redis.mode=replicated", "mode"),
        ("redis.hosts={user:password@host}", "hosts"),
        ("redis.hosts={host/0}", "hosts"),
        ("redis.database=-1", "database"),
        ("resources.requests.cpu=much", "cpu"),
        ("podDisruptionBudget.maxUnavailable=0", "maxUnavailable"),
        ("podDisruptionBudget.maxUnavailable=0%", "maxUnavailable"),
        ("serviceMonitor.interval=often", "interval"),
        ("fullnameOverride=Not_a_name", "fullnameOverride"),
        ("clients.create[0].id=two words", "clients"),
        ("clients.create[0].args={--grant-type}", "clients"),
        ("loadtest.users={Nobody}", "users"),
        ("image.digest=sha256:short", "digest"),
        ("image.registry=https://mirror.example.com", "registry"),
        ("podLabels.team=two words", "podLabels"),
        ("commonLabels.-team=x", "-team"),
        ("serviceMonitor.labels.release=a/b", "serviceMonitor"),
        ("ingress.furtherHosts={Login.example.com}", "furtherHosts"),
        ("adminIngress.host=not_a_host", "adminIngress"),
        ("service.loadBalancerSourceRanges={10.0.0.1}", "loadBalancerSourceRanges"),
        ("service.externalTrafficPolicy=Near", "externalTrafficPolicy"),
        ("extraVolumes[0].emptyDir=x", "extraVolumes"),
        ("secrets.from.master_key.name=vault", "secrets"),
        ("strategy.type=Sudden", "strategy"),
        ("strategy.rollingUpdate.maxSurge=many", "maxSurge"),
        ("strategy.rollingUpdate.maxUnavailable=-1", "maxUnavailable"),
        ("secrets.required={masterkey}", "secrets"),
        ("secrets.from.masterkey.name=x", "secrets/from"),
        ("secrets.from.redis_url.name=x", "secrets/from"),
        ("redis.hosts={host:0}", "hosts"),
        ("redis.hosts={host:65536}", "hosts"),
        # A line without a value takes the default away.
        ("serviceAccount=null", "serviceAccount"),
        ("redis.tls=null", "tls"),
        ("redis.tls.enabled=null", "enabled"),
        ("image.repository=null", "repository"),
        ("operator.crds=null", "crds"),
        ("probes.readiness=null", "readiness"),
        ("tls.clientAuthorities=null", "clientAuthorities"),
        ("host=null", "host"),
    ],
)
def test_a_bad_value_is_refused(bad: str, where: str) -> None:
    complaint = refusal("default", "--set", bad)
    assert "schema" in complaint
    assert where in complaint


@pytest.mark.parametrize(
    ("values", "options", "told"),
    [
        ("bundled", ["redis.bundled.enabled=false"], "settings.issuer: set the URL"),
        ("default", ["redis.hosts=null"], "redis.hosts: say where Redis is"),
        ("bundled", ["settings.issuer=https://tokens.example.com"], "every request would be refused as plain HTTP"),
        ("default", ["autoscaling.enabled=true", "keda.enabled=true"], "'not' failed"),
        ("default", ["redis.mode=sentinel"], "redis.sentinelService"),
        ("default", ["redis.hosts={a,b}"], "several need redis.mode"),
        ("cluster", ["redis.database=1"], "no database number"),
        ("bundled", ["redis.hosts={elsewhere}"], "redis.bundled is one server"),
        ("bundled", ["redis.existingSecret=x"], "redis.bundled is one server"),
        ("production", ["secrets.values.redis_password=x"], "say it once"),
        ("production", ["secrets.values.redis_sentinel_password=x"], "say it once"),
        ("production", ["autoscaling.minReplicas=11"], "autoscaling.minReplicas"),
        ("keda", ["keda.maxReplicas=1"], "keda.minReplicas"),
        ("bundled", ["ingress.enabled=true"], "nobody finds a loopback address"),
        ("gateway", ["httpRoute.parentRefs=null"], "name the Gateway"),
        ("loadtest", ["loadtest.clientSecret.name="], "name the Secret"),
        ("default", ["adminPort=8080"], "adminPort: must be another one"),
        ("production", ["tls.mtlsPort=8081"], "tls.mtlsPort: must be another one"),
        ("default", ["tls.mtlsPort=8443"], "tls.mtlsPort: needs tls.existingSecret"),
        ("production", ["tls.mtlsPort=443"], "mtlsPort"),
        ("production", ["networkPolicy.adminFrom=null"], "let Prometheus in"),
        ("default", ["fullnameOverride=4prod"], "must begin with a letter"),
        ("cluster", ["settings.issuer=https://10.0.0.1"], "must be a name there and no IP address"),
        ("cluster", ["settings.issuer=https://[fd00::1]:8443"], "must be a name there and no IP address"),
        ("default", ["extraVolumes[0].name=tls"], "has a volume called tls itself"),
        ("default", ["extraVolumes[0].name=mine", "extraVolumes[1].name=mine"], "has a volume called mine itself"),
        ("clients", ["extraVolumes[0].name=client-0"], "has a volume called client-0 itself"),
        ("default", ["resources.requests.memory=1Gi"], "resources: requests.memory (1Gi) must not be more than limits"),
        ("default", ["resources.limits.cpu=0.2"], "resources: requests.cpu (250m) must not be more than limits"),
        ("default", ["clients.resources.requests.memory=0.5G"], "clients.resources: requests.memory"),
        ("bundled", ["redis.bundled.resources.requests.memory=300M"], "redis.bundled.resources: requests.memory"),
        ("loadtest", ["loadtest.resources.requests.memory=1Ti"], "loadtest.resources: requests.memory"),
        ("operators", ["adminIngress.host="], "adminIngress.host: say which host"),
        ("operators", ["adminIngress.host=tokens.example.com"], "must be another host than the issuer's"),
        ("platform", ["adminHttpRoute.parentRefs=null"], "adminHttpRoute.parentRefs: name the Gateway"),
        ("platform", ["serviceMonitor.tlsConfig=null"], "say how Prometheus verifies"),
        ("everything", ["secrets.from.master_key.name=a", "secrets.from.master_key.key=b"], "master_key: say it once"),
        ("production", ["secrets.from.redis_password.name=a", "secrets.from.redis_password.key=b"], "say it once"),
        (
            "production",
            ["secrets.from.redis_sentinel_password.name=a", "secrets.from.redis_sentinel_password.key=b"],
            "once",
        ),
        (
            "default",
            ["secrets.from.issuer.name=a", "secrets.from.issuer.key=b"],
            "issuer: say it once, in settings or in",
        ),
        ("production", ["service.port=8443"], "service.port: must be another one than tls.mtlsPort"),
        ("default", ["redis.tls.existingSecret=a"], "without it the connection is in clear"),
        ("production", ["redis.tls.certificateKey="], "redis.tls.privateKeyKey: needs redis.tls.certificateKey"),
        ("production", ["redis.tls.existingSecret="], "redis.tls.existingSecret: name the Secret"),
        ("default", ["redis.sentinelService=main"], "need redis.mode sentinel"),
        ("cluster", ["redis.sentinelAuth.existingSecret=a"], "need redis.mode sentinel"),
        ("default", ["strategy.rollingUpdate.maxSurge=0%"], "maxSurge and maxUnavailable must not both be 0"),
        ("default", ["service.nodePort=30000"], "service.nodePort: needs service.type NodePort or LoadBalancer"),
        ("default", ["service.externalTrafficPolicy=Local"], "service.externalTrafficPolicy: needs service.type"),
        (
            "default",
            ["service.type=NodePort", "service.loadBalancerClass=a"],
            "loadBalancerClass: needs service.type Load",
        ),
        ("default", ["dnsPolicy=None"], "dnsConfig.nameservers: dnsPolicy None has no name servers"),
        ("operators", ["networkPolicy.enabled=true"], "networkPolicy.adminFrom: let in what adminIngress sends"),
        ("keda", ["resources.requests.cpu=null"], "the service requests no cpu"),
        ("production", ["sidecars[0].name=agent"], "agent requests no cpu"),
        ("loadtest", ["loadtest.adminUrl=", "loadtest.users={Refresh}"], "loadtest.users: Refresh needs codes"),
        ("clients", ["clients.create[1].id=billing"], "clients.create: the client billing is there twice"),
        ("default", ["settings.issuer=tokens.example.com"], "settings.issuer: "),
        ("default", ["settings.issuer=http://tokens.example.com"], "settings.issuer: must be https, unless"),
        ("default", ["extraEnv[0].name=MINTMARK_PORT"], "extraEnv: MINTMARK_PORT is what the chart says"),
    ],
)
def test_what_would_not_work_is_refused_with_what_to_do(values: str, options: list[str], told: str) -> None:
    assert told in refusal(values, *(word for option in options for word in ("--set", option)))


@pytest.mark.parametrize(
    "empty",
    [
        *("commonLabels", "commonAnnotations", "podAnnotations", "podLabels", "imagePullSecrets", "image.registry"),
        *("secrets.values", "secrets.from", "ingress.furtherHosts", "httpRoute.furtherHosts", "sidecars", "dnsConfig"),
        *("resources.limits", "strategy.rollingUpdate.maxUnavailable", "global.imageRegistry"),
    ],
)
def test_a_line_without_a_value_is_an_empty_one(empty: str) -> None:
    text("everything", "--set", f"{empty}=null", "--set", "secrets.existingSecret=mintmark")


@pytest.mark.parametrize("release", ["4prod", "prod.eu"])
def test_a_release_that_names_no_service_is_refused(release: str) -> None:
    done = helm("template", release, str(CHART), "-f", str(FILES["default"]), "--set", "nameOverride=mintmark")
    assert done.returncode
    assert "is no name for a Service" in done.stderr


def test_as_much_as_the_limit_may_be_requested() -> None:
    chosen = ("resources.requests.memory=0.5Gi", "resources.limits.cpu=0.25")
    assert text("default", *(word for option in chosen for word in ("--set", option)))
