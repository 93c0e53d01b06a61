"""The root types: what each noun contributes; adding a noun is one base class here."""

import strawberry

from schema.api_keys import ApiKeyMutations, ApiKeyQueries
from schema.audit import AuditQueries
from schema.backtest import BacktestMutations, BacktestQueries
from schema.bulk import BulkMutations, BulkQueries
from schema.campaign_copies import CampaignCopyMutations
from schema.campaigns import CampaignQueries
from schema.churn import ChurnQueries
from schema.conditions import ConditionFieldQueries
from schema.consents import ConsentMutations, ConsentQueries
from schema.customers import CustomerQueries
from schema.devices import DeviceMutations
from schema.direct import MessageSendMutations
from schema.drafts import DraftMutations
from schema.events import EventQueries
from schema.experimenting import ExperimentMutations
from schema.explaining import ExplainingQueries
from schema.exporting import ExportMutations
from schema.frequency import FrequencyRuleMutations, FrequencyRuleQueries
from schema.imports import ImportMutations
from schema.journey_analytics import JourneyAnalyticsQueries
from schema.journeys import JourneyQueries
from schema.members import MemberMutations, MemberQueries
from schema.merging import MergeMutations
from schema.messages import MessageMutations, MessageQueries
from schema.messaging_figures import MessagingFigureQueries
from schema.moving import JourneyMutations
from schema.node import NodeQueries
from schema.notes import NoteMutations
from schema.organization import OrganizationMutations, OrganizationQueries
from schema.predictions import PredictionQueries
from schema.preview import PreviewMutations, PreviewQueries
from schema.profiles import ProfileMutations
from schema.provider_changes import ProviderMutations
from schema.providers import ProviderQueries
from schema.rate import RateQueries
from schema.recording import FactMutations
from schema.recovery import RecoveryMutations
from schema.results import ResultMutations, ResultQueries
from schema.roles import RoleMutations, RoleQueries
from schema.scores import ScoreMutations, ScoreQueries
from schema.segment_analytics import SegmentAnalyticsQueries
from schema.segment_templates import SegmentTemplateQueries
from schema.segmenting import SegmentMutations
from schema.segments import SegmentQueries
from schema.sending import SendingMutations
from schema.sessions import SessionMutations
from schema.stages import StageMutations
from schema.tags import TagMutations, TagQueries
from schema.tasks import TaskMutations, TaskQueries
from schema.template_changes import TemplateMutations
from schema.template_preview import TemplatePreviewQueries
from schema.templates import TemplateQueries
from schema.topics import ConsentTopicMutations, ConsentTopicQueries
from schema.trying import TryingMutations
from schema.webhook_changes import WebhookMutations
from schema.webhooks import WebhookQueries


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQueries,
    RateQueries,
    OrganizationQueries,
    ApiKeyQueries,
    AuditQueries,
    MemberQueries,
    RoleQueries,
    CustomerQueries,
    EventQueries,
    TagQueries,
    SegmentQueries,
    ConditionFieldQueries,
    PreviewQueries,
    ExplainingQueries,
    SegmentAnalyticsQueries,
    BacktestQueries,
    SegmentTemplateQueries,
    JourneyQueries,
    JourneyAnalyticsQueries,
    ChurnQueries,
    ScoreQueries,
    PredictionQueries,
    TaskQueries,
    BulkQueries,
    TemplateQueries,
    TemplatePreviewQueries,
    ConsentQueries,
    ConsentTopicQueries,
    CampaignQueries,
    MessageQueries,
    MessagingFigureQueries,
    ResultQueries,
    FrequencyRuleQueries,
    WebhookQueries,
    ProviderQueries,
):
    pass


@strawberry.type(description="Everything that can be done; each field is one transaction, and they run in order.")
class Mutation(
    OrganizationMutations,
    ApiKeyMutations,
    MemberMutations,
    RoleMutations,
    SessionMutations,
    RecoveryMutations,
    MergeMutations,
    ProfileMutations,
    TagMutations,
    NoteMutations,
    FactMutations,
    ImportMutations,
    SegmentMutations,
    ExportMutations,
    PreviewMutations,
    BacktestMutations,
    StageMutations,
    ScoreMutations,
    TaskMutations,
    JourneyMutations,
    BulkMutations,
    TemplateMutations,
    ConsentTopicMutations,
    TryingMutations,
    DraftMutations,
    SendingMutations,
    ExperimentMutations,
    CampaignCopyMutations,
    MessageMutations,
    ResultMutations,
    FrequencyRuleMutations,
    MessageSendMutations,
    ConsentMutations,
    WebhookMutations,
    ProviderMutations,
    DeviceMutations,
):
    pass
