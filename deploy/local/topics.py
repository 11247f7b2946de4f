"""The two topics of the system, made where they are missing; on any Kafka, ours or one that already runs."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from deploy.local.errors import LaunchError

UNLIMITED = {"retention.ms": "-1", "retention.bytes": "-1"}


def wanted(copies: int = 1, prefix: str = "") -> list[NewTopic]:
    """Return the topics with *copies* replicas: the timeline for ever, reference data by last state."""
    return [
        NewTopic(f"{prefix}dossier.timeline", 8, copies, topic_configs={"cleanup.policy": "delete", **UNLIMITED}),
        NewTopic(f"{prefix}reference.data", 1, copies, topic_configs={"cleanup.policy": "compact"}),
    ]


async def make_topics(kafka: str, copies: int = 1, prefix: str = "") -> None:
    """Create the topics that *kafka* (bootstrap servers) lacks; LaunchError if it does not answer."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=10_000)
    try:
        await admin.start()
        present = set(await admin.list_topics())
        missing = [topic for topic in wanted(copies, prefix) if topic.name not in present]
        if missing:
            _check(await admin.create_topics(missing))
    except (KafkaError, OSError) as error:
        msg = f"Kafka at {kafka} does not make topics: {error or type(error).__name__}"
        raise LaunchError(msg) from error
    finally:
        await admin.close()


def _check(answer: object) -> None:
    for topic, code, *text in getattr(answer, "topic_errors", []):
        if code not in {0, TopicAlreadyExistsError.errno}:
            msg = f"Kafka refused to make the topic {topic}: {text[0] if text else code}"
            raise LaunchError(msg)


async def answers(kafka: str) -> bool:
    """Say whether *kafka* answers an administrator's call."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, request_timeout_ms=2_000)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True
